"""Somebody logs in by hand, from the portal's end to the package: the real scheduler, service and browser."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from appliance.capture_service.client import CaptureService, CaptureUnavailable
from appliance.capture_service.messages import CaptureFault
from appliance.captures.live_views import BURST, LiveLogIns, LiveViews, LiveViewServer
from appliance.captures.orders import CaptureDraft, PlanDraft
from appliance.captures.register import CaptureRegister
from appliance.config import CaptureSettings
from appliance.confinement import frames
from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.captures import CaptureState, OrderedCapture
from appliance.web_capture.live_view import (
    MOST_ACTIONS,
    Back,
    Key,
    LivePicture,
    Motion,
    MouseButton,
    Pointer,
    TypedText,
)
from appliance.web_capture.model import CaptureStage
from appliance.wiring import Appliance
from tests.captures.conftest import Web, forget_all, now_of
from tests.web_capture.servers import Answer, Asked, page

WHO = ZHANG.subject
PASSWORD = "correct horse 7"
FORM = """<!doctype html><title>Log in</title><style>body{margin:0}input{width:300px;height:40px}</style>
  <form method=post action=/session><input name=word type=password></form>"""


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


def shop(asked: Asked) -> Answer:
    if "session=open" in asked.field("cookie"):
        return page("<title>Inside</title><p>only for customers")
    if asked.method == "POST":
        cookie = "Set-Cookie: session=open\r\n" if b"correct+horse" in asked.body else ""
        return page("", head=f"{cookie}Location: /\r\n", status="303 See Other")
    return page(FORM)


@contextmanager
def shown(appliance: Appliance, tmp_path: Path, web: Web) -> Iterator[tuple[LiveViews, OrderedCapture]]:
    """A capture with a log-in that is being made, and the portal's way to it."""
    web.answer = shop  # type: ignore[method-assign]
    at = tmp_path / "live.sock"
    ordered = appliance.captures.order(CaptureDraft(web.address(), "固定侵权页面", log_in=True), by=WHO)
    assert not appliance.capture_queue.run_next(), "it waits for nobody else, and nobody for it"
    making = threading.Thread(target=partial(appliance.capture_queue.run_next, log_in=True))
    with LiveViewServer(at, appliance.live_log_ins, appliance.captures.cancel):
        making.start()
        try:
            yield LiveViews(at), ordered
        except BaseException:
            appliance.captures.cancel(ordered.id, by=WHO)
            raise
        finally:
            making.join(60)
    assert not making.is_alive()


def seen(views: LiveViews, capture: OrderedCapture, title: str) -> LivePicture:
    """The first picture of the page with this title."""
    deadline, after = time.monotonic() + 30, 0
    while time.monotonic() < deadline:
        try:
            found = views.picture(capture.id, by=WHO, after=after)
        except NotFound:  # it is not made yet
            time.sleep(0.05)
            continue
        if found is not None and found.title == title:
            return found
        after = found.number if found is not None else after
    raise AssertionError(title)


def dumped(appliance: Appliance) -> str:
    """All that the database has."""
    with appliance.database.reading() as tx:
        tables = tx.column(str, "SELECT name FROM sqlite_schema WHERE type = 'table'")
        return repr([list(tx.execute(f"SELECT * FROM {each}")) for each in tables])  # noqa: S608 - its own


def test_from_the_page_to_the_package(appliance: Appliance, web: Web, log: None, tmp_path: Path) -> None:
    with shown(appliance, tmp_path, web) as (views, capture):
        first = seen(views, capture, "Log in")
        assert first.address == web.address()
        assert now_of(appliance, capture).work.stage == CaptureStage.LOG_IN
        for stranger in (LI.subject, ""):
            with pytest.raises(NotFound):
                views.picture(capture.id, by=stranger, after=0)
            with pytest.raises(NotFound):
                views.act(capture.id, by=stranger, actions=[TypedText("x")])
            with pytest.raises(NotFound):
                views.proceed(capture.id, by=stranger)
            with pytest.raises(NotFound):
                views.give_up(capture.id, by=stranger)
        clicks = [Pointer(each, 50, 20, MouseButton.LEFT) for each in (Motion.PRESS, Motion.RELEASE)]
        views.act(capture.id, by=WHO, actions=clicks)
        views.act(capture.id, by=WHO, actions=[TypedText(PASSWORD), Key(Motion.PRESS, "Enter")])
        seen(views, capture, "Inside")
        views.proceed(capture.id, by=WHO)
        with pytest.raises((StateRefused, NotFound)):
            views.act(capture.id, by=WHO, actions=[TypedText("x")])
    done = now_of(appliance, capture)
    facts = appliance.captures.facts(done.id, by=WHO)
    assert facts is not None
    assert facts.log_in is not None
    assert facts.log_in.hosts == ("localhost",)
    assert PASSWORD not in dumped(appliance)
    assert (done.state, done.work.refusal) == (CaptureState.DONE, None)
    assert done.record is not None
    assert done.record.title == "Inside"
    with pytest.raises(StateRefused, match="does not answer"):
        views.picture(capture.id, by=WHO, after=0)


def test_giving_up_ends_the_browser(appliance: Appliance, web: Web, tmp_path: Path) -> None:
    with shown(appliance, tmp_path, web) as (views, capture):
        seen(views, capture, "Log in")
        with pytest.raises(PreconditionRefused, match="too much at once"):
            for _ in range(1 + int(BURST) // MOST_ACTIONS):
                views.act(capture.id, by=WHO, actions=[Back()] * MOST_ACTIONS)
        with pytest.raises(ValueError, match="no action"):
            views.act(capture.id, by=WHO, actions=[TypedText("")])
        views.give_up(capture.id, by=WHO)
        with pytest.raises((StateRefused, NotFound)):
            views.picture(capture.id, by=WHO, after=0)
    assert now_of(appliance, capture).state is CaptureState.CANCELLED


@pytest.mark.parametrize(
    "said", [{}, [], b"x", {"capture": "a", "by": "b"}, {"capture": "a", "by": "b", "act": 1}]
)
def test_whoever_says_something_else_gets_nothing(said: object, tmp_path: Path) -> None:
    """And the next one is answered."""
    log_ins, at = LiveLogIns(), tmp_path / "views.sock"
    with log_ins.of("a", "b"), LiveViewServer(at, log_ins, lambda *_, **__: None):
        assert at.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(at))
            frames.write(stream, said)
            with pytest.raises(frames.FrameError):
                assert frames.read(stream, limit=1000) == {"refused": "state-refused"}
                raise frames.FrameError
        assert LiveViews(at).picture("a", by="b", after=0, wait=0) is None
        with pytest.raises(NotFound):
            LiveViews(at).picture("a", by="c", after=0)


WITHOUT_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
from appliance.captures.live_views import LiveLogIns, LiveViewServer
with LiveViewServer(Path(sys.argv[1]), LiveLogIns(), print):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        print("none is left", flush=True)
    sys.stdin.readline()
    for each in taken:
        os.close(each)
    sys.stdin.readline()
"""


def test_a_scheduler_without_descriptors_answers_once_it_has_some(tmp_path: Path) -> None:
    at = tmp_path / "views.sock"
    command = [sys.executable, "-c", WITHOUT_DESCRIPTORS, str(at)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stdin is not None
        assert scheduler.stdout is not None
        assert scheduler.stdout.readline() == "none is left\n"
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(at))
            time.sleep(0.5)  # it has tried
        print(file=scheduler.stdin, flush=True)
        with pytest.raises(NotFound):
            LiveViews(at).proceed("a", by="b")
        scheduler.stdin.close()


def test_a_scheduler_without_its_directory_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "live").touch()
    with LiveViewServer(tmp_path / "live/views.sock", LiveLogIns(), lambda *_, **__: None):
        assert "nobody can log in by hand" in caplog.text


def test_a_scheduler_that_lies_shows_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "views.sock"))
        listening.listen()
        for said in ({"done": {"jpeg": b"<script>"}}, {"refused": "x"}, {"done": [1]}, []):
            answering = threading.Thread(target=partial(_answer, listening, said))
            answering.start()
            with pytest.raises(StateRefused, match="does not answer"):
                LiveViews(tmp_path / "views.sock").picture("a", by="b", after=0)
            answering.join()


def _answer(listening: socket.socket, said: object) -> None:
    with listening.accept()[0] as stream:
        frames.read(stream, limit=1000)
        frames.write(stream, said)


def test_who_may_log_in_by_hand(appliance: Appliance, web: Web) -> None:
    """A person, once, where the settings say so."""
    draft = CaptureDraft(web.address(), "固定侵权页面", log_in=True)
    with pytest.raises(PreconditionRefused, match="operator can allow it"):
        appliance.captures.order(draft, by=WHO, client="client")
    with pytest.raises(PreconditionRefused, match="nobody is there to log in"):
        appliance.captures.order_by_plan(draft, PlanDraft(dt.time(9)), by=WHO)
    settings = CaptureSettings(enabled=True, allowed_hosts=["localhost"])
    register = CaptureRegister(appliance.database, appliance.blobs, settings, appliance.now)
    with pytest.raises(PreconditionRefused, match="operator can allow it"):
        register.order(draft, by=WHO)


@pytest.mark.parametrize("ends", [CaptureUnavailable(CaptureFault.PROGRAM, "gone"), SystemExit()])
def test_a_log_in_that_was_interrupted_is_not_made_again(
    ends: BaseException, appliance: Appliance, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would be there to log in."""
    ordered = appliance.captures.order(CaptureDraft(web.address(), "固定侵权页面", log_in=True), by=WHO)

    def fail(*_: object, **__: object) -> None:
        raise ends

    monkeypatch.setattr(CaptureService, "capture", fail)
    with suppress(SystemExit):
        appliance.capture_queue.run_next(log_in=True)
    assert now_of(appliance, ordered).state is CaptureState.FAILED
