"""Somebody logs in by hand before a capture: the real browser, a site with a form and a session by cookie."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image

from appliance.web_capture.live_view import (
    Key,
    LiveAction,
    LivePicture,
    Motion,
    MouseButton,
    Pointer,
    TypedText,
)
from appliance.web_capture.tab import SCREEN, WIDTH
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Answer, Asked, Server, answer, page

Served = Callable[..., Server]
PASSWORD = "correct horse 7"
FORM = """<!doctype html><title>Log in</title>
<style>body{margin:0}input,button,img{position:absolute;left:0;width:300px;height:40px}</style>
<form method=post action=/session><input name=user style='top:0'><input name=word type=password style='top:50px'>
<button style='top:100px'>in</button></form><img src=/shared.png style='top:200px'><script>
addEventListener('beforeunload',e=>{e.preventDefault();
  navigator.sendBeacon('/beacon','word='+document.forms[0].word.value)});
navigator.serviceWorker.register('/worker.js');localStorage.kept='still here'</script>"""
WORKER = """addEventListener('install',()=>skipWaiting());
addEventListener('activate',e=>e.waitUntil(clients.claim()));
addEventListener('fetch',e=>{if(e.request.url.endsWith('/shared.png'))e.respondWith(fetch('/by-worker'))})"""
INSIDE = """<!doctype html><title>Inside</title><style>body{background:#1e1ec8}</style><p id=p>secret page</p>
<img src=/shared.png><script>p.textContent+=' '+localStorage.kept</script>"""


@dataclass
class Site:
    """The protected page is for whoever has the cookie, which the right password gives."""

    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        inside = "session=open" in asked.field("cookie")
        match asked.method, asked.path:
            case "GET", "/":
                return page(INSIDE) if inside else page("", head="Location: /form\r\n", status="302 Found")
            case "GET", "/form":
                return page(FORM)
            case "POST", "/session":
                right = PASSWORD.replace(" ", "+") in asked.body.decode()
                cookie = "Set-Cookie: session=open; HttpOnly\r\n" if right else ""
                return page("", head=f"{cookie}Location: /\r\n", status="303 See Other")
            case "GET", "/shared.png":
                made = io.BytesIO()
                Image.new("RGB", (40, 40), (200, 30, 30)).save(made, "PNG")
                return answer(made.getvalue(), "image/png", head="Cache-Control: max-age=99999, immutable\r\n")
            case "GET", "/worker.js":
                return answer(WORKER.encode(), "text/javascript")
            case _:
                return page("")


def click(x: float, y: float) -> list[LiveAction]:
    left = MouseButton.LEFT
    return [Pointer(Motion.MOVE, x, y), Pointer(Motion.PRESS, x, y, left), Pointer(Motion.RELEASE, x, y, left)]


def press(key: str, code: str = "") -> list[LiveAction]:
    return [Key(Motion.PRESS, key, code), Key(Motion.RELEASE, key, code)]


class Hand:
    """Does what *does* says, each time once the condition before it holds for what is seen."""

    def __init__(self, does: Iterator[Sequence[LiveAction]], *, looks: bool = True) -> None:
        self._does, self.looks = does, looks
        self.proceeds = False
        self.seen: list[LivePicture] = []

    def actions(self) -> Sequence[LiveAction]:
        try:
            return next(self._does)
        except StopIteration:
            self.proceeds = True
            return ()

    def show(self, picture: LivePicture) -> None:
        self.seen.append(picture)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> Iterator[Sequence[LiveAction]]:
    """Nothing is done until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        yield ()


def logs_in(hand: Callable[[], Hand], site: Site) -> Iterator[Sequence[LiveAction]]:
    yield from until(lambda: any(each.title == "Log in" for each in hand().seen))
    yield from until(lambda: any(each.path == "/worker.js" for each in site.asked))
    yield click(100, 20)
    yield press("a", "KeyA")
    yield press("Tab", "Tab")
    yield [TypedText(PASSWORD)]
    yield press("Enter", "Enter")
    yield from until(lambda: bool(hand().seen) and hand().seen[-1].title == "Inside")


def test_what_is_behind_a_log_in(served: Served, capturing: Capturing) -> None:
    """The record begins after it: it has the page with all that the page needs, and no word of the log-in."""
    site = Site()
    server = served({"localhost": site})
    root = f"http://localhost:{server.port}/"
    hand = Hand(iter(()))
    hand._does = logs_in(lambda: hand, site)
    found = capturing(root, ["localhost"], live=hand)
    made = found.capture
    assert made.visit.text.strip() == "secret page still here"
    with Image.open(io.BytesIO(made.visit.picture)) as picture:
        assert picture.convert("RGB").getpixel((900, 500)) == (30, 30, 200)
    assert sorted({address for _, address in found.records if address}) == [root, f"{root}shared.png"]
    assert b"secret page" in found.response(root)
    for block in found.records.values():
        assert PASSWORD.encode() not in block
        assert b"correct" not in block
    live = [each for each in site.asked if each.method == "POST" and each.path == "/session"]
    assert len(live) == 1
    assert any(each.path == "/by-worker" for each in site.asked), "the worker answered during the log-in"
    assert made.log_in is not None
    assert made.log_in.hosts == ("localhost",)
    assert made.log_in.began <= made.log_in.ended <= made.began
    assert made.log_in.requests + made.traffic.requests == len(server.seen)
    for each in hand.seen:
        with Image.open(io.BytesIO(each.jpeg)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (WIDTH, SCREEN))
        assert (each.width, each.height) == (WIDTH, SCREEN)
    assert [each.number for each in hand.seen] == sorted({each.number for each in hand.seen})
