"""Pages that go on to somebody else's address at the very moment at which they are looked at, or end where nobody
answers: their words are never told of another's address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from appliance.captures.recording import _require_page
from appliance.web_capture.model import CaptureFailed, CaptureLimits, CaptureStep, StepKind
from appliance.web_capture.tab import Tab
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Asked, Server, page

Served = Callable[..., Server]
HOSTS = ["evil.example", "victim.example"]


def sites(more: str = "") -> dict[str, Callable[[Asked], bytes]]:
    return {
        "evil.example": lambda _: page(f"<title>evil</title><body style='background:red'>I confess{more}"),
        "victim.example": lambda _: page("<title>victim</title>nothing"),
    }


def other(address: str) -> str:
    return re.sub("victim|evil", lambda each: {"victim": "evil", "evil": "victim"}[each[0]], address)


def test_the_words_are_those_of_the_address(
    served: Served, capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has asked for another one, which is slow, before it is held; that comes once the text was read,
    or never, where a busy machine had not begun to ask: in neither case are words and address of two pages."""
    hold, said = Tab.hold, Tab.said

    def held(self: Tab) -> None:
        if "evil" in self.loaded:
            self.value(f"location.href = '{other(self.loaded)}'")
        hold(self)

    def read(self: Tab, asked: str) -> str:
        found, patience = said(self, asked), time.monotonic() + 30
        while "innerText" in asked and "evil" in self.loaded and time.monotonic() < patience:
            self.wait(0.1)
        return found

    monkeypatch.setattr(Tab, "hold", held)
    monkeypatch.setattr(Tab, "said", read)

    def slow(_: Asked) -> bytes:
        time.sleep(4)
        return page("<title>victim</title>nothing")

    server = served({**sites(), "victim.example": slow})
    visit = capturing(f"http://evil.example:{server.port}/", HOSTS).capture.visit
    here, there = f"http://evil.example:{server.port}/", f"http://victim.example:{server.port}/"
    words = {here: ("evil", "I confess"), there: ("victim", "nothing")}
    assert (visit.title, visit.text) == words[visit.address]
    assert visit.loaded_address == visit.address


def going_on(monkeypatch: pytest.MonkeyPatch, *, always: bool = False) -> None:
    """As soon as a picture was taken the page goes on, as one could that measures how it is looked at."""
    genuine, times = Tab.octets, count()

    def pictured(self: Tab, method: str, *more: Any, **others: Any) -> bytes:
        found = genuine(self, method, *more, **others)
        if method == "Page.captureScreenshot" and (always or not next(times)):
            here = self.loaded
            self.value(f"location.href = '{other(here)}'")
            while self.loaded == here:
                self.wait(0.1)
        return found

    monkeypatch.setattr(Tab, "octets", pictured)


def test_the_picture_of_a_step_is_that_of_the_address(
    served: Served, capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served(sites())
    genuine = capturing(f"http://victim.example:{server.port}/", HOSTS, steps=(CaptureStep(StepKind.SCROLL),))
    going_on(monkeypatch)
    shown = capturing(f"http://evil.example:{server.port}/", HOSTS, steps=(CaptureStep(StepKind.SCROLL),))
    [step], [known] = shown.capture.steps, genuine.capture.steps
    assert (step.address, step.picture) == (known.address, known.picture)


def test_a_page_that_never_stands_still(
    served: Served, capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on(monkeypatch, always=True)
    server = served(sites())
    with pytest.raises(CaptureFailed, match="went on to other addresses"):
        capturing(f"http://evil.example:{server.port}/", HOSTS, steps=(CaptureStep(StepKind.SCROLL),))


@pytest.mark.parametrize("requests", [2_000, 10])
def test_a_page_that_ends_where_nobody_answers_is_no_page(
    served: Served, capturing: Capturing, requests: int
) -> None:
    """However many requests were refused before, and for whatever limit."""
    script = (
        "<script>Promise.allSettled([...Array(230).keys()].map(each =>"
        " fetch(`http://none${each}.example/`, {mode: 'no-cors'})))"
        ".then(() => location = 'http://victim.example:' + location.port + '/')</script>"
    )
    server = served(sites(script))
    if requests == 2_000:
        hosts = ["evil.example"]
    else:
        hosts = HOSTS
        script = script.replace("http://none${each}.example", "/${each}")
        server = served(sites(script))
    found = capturing(
        f"http://evil.example:{server.port}/", hosts, limits=CaptureLimits(seconds=20.0, requests=requests)
    ).capture
    assert found.visit.address == f"http://victim.example:{server.port}/"
    with pytest.raises(CaptureFailed):
        _require_page(found)
