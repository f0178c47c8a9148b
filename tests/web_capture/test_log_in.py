"""Somebody logs in by hand before a capture: the real browser, a site with a form and a session by cookie."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from PIL import Image

from appliance.capture_service.believing import believable_picture
from appliance.web_capture import logging_in
from appliance.web_capture.live_view import (
    LONGEST_SHOWN,
    Back,
    Key,
    LiveAction,
    LivePicture,
    Motion,
    MouseButton,
    Pointer,
    TypedText,
    Wheel,
    decode_actions,
    encode_actions,
)
from appliance.web_capture.model import CaptureFailed, CaptureLimits
from appliance.web_capture.tab import SCREEN, WIDTH
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Answer, Asked, Server, answer, page
from tests.web_capture.site import picture

Served = Callable[..., Server]
PASSWORD = "correct horse 7"
FORM = """<!doctype html><title>Log in</title>
<style>body{margin:0}input,button,img{position:absolute;left:0;width:300px;height:40px}</style>
<form method=post action=/session><input name=user style='top:0'><input name=word type=password style='top:50px'>
<button style='top:100px'>in</button></form><img src=/shared.png style='top:200px'>
<link rel=stylesheet href=/shared.css><script src=/shared.js></script><script>
addEventListener('beforeunload',e=>{e.preventDefault();
  navigator.sendBeacon('/beacon','word='+document.forms[0].word.value)});
navigator.serviceWorker.register('/worker.js');localStorage.kept='still here'</script>"""
WORKER = """addEventListener('install',()=>skipWaiting());
addEventListener('activate',e=>e.waitUntil(clients.claim()));
addEventListener('fetch',e=>{if(e.request.url.endsWith('/shared.png'))e.respondWith(fetch('/by-worker'))})"""
INSIDE = """<!doctype html><title>Inside</title><style>body{background:#1e1ec8}</style><p id=p>secret page</p>
<link rel=stylesheet href=/shared.css><script src=/shared.js></script><img src=/shared.png><script>
p.textContent+=' '+localStorage.kept</script>"""


SHARED = {
    "/shared.png": (picture(), "image/png"),
    "/shared.css": (b"/**/", "text/css"),
    "/shared.js": (b"/**/", "text/javascript"),
}


@dataclass
class Site:
    """The protected page is for whoever has the cookie, which the right password gives."""

    asked: list[Asked] = field(default_factory=list)
    slow: float = 0.0
    """Seconds until whoever logs in is answered."""

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.method == "POST" and asked.path == "/session":
            time.sleep(self.slow)
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
            case "GET", path if path in SHARED:
                return answer(*SHARED[path], head="Cache-Control: max-age=99999, immutable\r\n")
            case "GET", "/worker.js":
                return answer(WORKER.encode(), "text/javascript")
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


def logs_in(hand: Callable[[], Hand], site: Site, *, waits: bool = True) -> Iterator[Sequence[LiveAction]]:
    yield from until(lambda: any(each.title == "Log in" for each in hand().seen))
    yield from until(lambda: any(each.path == "/worker.js" for each in site.asked))
    yield click(100, 20)
    yield press("a", "KeyA")
    yield press("Tab", "Tab")
    yield [TypedText(PASSWORD)]
    yield press("Enter", "Enter")
    if waits:
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
    with Image.open(io.BytesIO(made.visit.picture)) as shown:
        assert shown.convert("RGB").getpixel((900, 500)) == (30, 30, 200)
    assert sorted({address for _, address in found.records if address}) == [
        root,
        *(f"{root}shared.{kind}" for kind in ("css", "js", "png")),
    ]
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
        with Image.open(io.BytesIO(each.jpeg)) as shown:
            assert (shown.format, shown.size) == ("JPEG", (WIDTH, SCREEN))
        assert (each.width, each.height) == (WIDTH, SCREEN)
    assert [each.number for each in hand.seen] == sorted({each.number for each in hand.seen})


def test_a_log_in_that_was_sent_just_now_is_answered(served: Served, capturing: Capturing) -> None:
    site = Site(slow=0.6)
    server = served({"localhost": site})
    hand = Hand(iter(()))
    hand._does = logs_in(lambda: hand, site, waits=False)
    found = capturing(f"http://localhost:{server.port}/", ["localhost"], live=hand)
    assert found.capture.visit.text.strip() == "secret page still here"


SEES = """<!doctype html><title>0</title><style>body{margin:0;height:5000px}input{width:200px;height:40px}</style>
<input id=i>
<script>const told=[];const tell=w=>{told.push(w);document.title=told.join(' ')};
onmousedown=e=>tell('down'+e.clientX+','+e.clientY+e.button);onmouseup=()=>tell('up');ondblclick=()=>tell('twice');
onmousemove=e=>{if(e.buttons)tell('drag')};onscroll=()=>tell('scroll');onkeydown=e=>tell('key'+e.key+e.code+e.keyCode);
i.oninput=()=>tell('='+i.value)</script>"""


def test_what_somebody_does_is_what_the_page_gets(served: Served, capturing: Capturing) -> None:
    server = served({"site.example": lambda asked: page(SEES)})
    left = MouseButton.LEFT
    does = [
        [
            Pointer(Motion.PRESS, 100, 20, left),
            Pointer(Motion.MOVE, 101, 20),
            Pointer(Motion.RELEASE, 101, 20, left),
        ],
        [Pointer(Motion.PRESS, 101, 20, left), Pointer(Motion.RELEASE, 101, 20, left)],
        [*press("a", "KeyA"), TypedText("登录"), *press("Backspace"), Key(Motion.PRESS, "b", "KeyB", 2)],
        [Pointer(Motion.PRESS, 300, 400, MouseButton.RIGHT), Wheel(300, 400, 0, 300)],
    ]
    wanted = [
        "down100,200",
        "drag",
        "up",
        "up",
        "twice",
        "keyaKeyA65",
        "=a",
        "=a登录",
        "=a登",
        "keybKeyB66",
        "down300,4002",
    ]

    def acts() -> Iterator[Sequence[LiveAction]]:
        yield from until(lambda: bool(hand.seen) and hand.seen[-1].title == "0")
        yield from does
        yield from until(lambda: "scroll" in hand.seen[-1].title)

    hand = Hand(acts())
    capturing(f"http://site.example:{server.port}/", ["site.example"], live=hand)
    assert [each for each in hand.seen[-1].title.split() if each in wanted] == wanted
    assert "down300,4002" in hand.seen[-1].title
    assert "=a登录b" not in hand.seen[-1].title, "with control a letter is none"


def test_back_leads_to_the_page_before(served: Served, capturing: Capturing) -> None:
    server = served(
        {"site.example": lambda asked: page(f"<title>{asked.path}</title><a href=/two>go on, go on</a>")}
    )

    def acts() -> Iterator[Sequence[LiveAction]]:
        yield from until(lambda: bool(hand.seen) and hand.seen[-1].title == "/")
        yield click(30, 18)
        yield from until(lambda: hand.seen[-1].title == "/two")
        yield [Back()]
        yield from until(lambda: hand.seen[-1].title == "/")

    hand = Hand(acts())
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], live=hand)
    assert found.capture.visit.title == "/"


@pytest.mark.parametrize(("looks", "came"), [(True, True), (False, True), (False, False)])
def test_a_log_in_ends_by_itself(
    looks: bool, came: bool, served: Served, capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is over; or earlier, when whoever was there has gone, or nobody came."""
    server = served({"site.example": lambda asked: page("here")})
    limits = CaptureLimits(seconds=20.0, log_in=3.0 if looks else 60.0)
    monkeypatch.setattr(logging_in, "UNATTENDED", 60.0 if looks else 1.0)
    hand = Hand(iter([[Wheel(1, 1, 0, 1)] if came else [], *[()] * 10_000]), looks=looks)
    with pytest.raises(CaptureFailed, match="before the time was over" if looks else "Nobody was at the log-in"):
        capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits, live=hand)


def test_a_page_that_wants_too_much(served: Served, capturing: Capturing) -> None:
    """Dialogs, windows, downloads, other hosts are refused as ever; the log-in goes on, and then the capture,
    which has nothing of a worker that would outlive its page."""
    inner = served({"inner.example": lambda asked: page("secret")})
    hostile = f"""<title>0</title><img src="http://inner.example:{inner.port}/"><script>let n=0;
      new SharedWorker('/worker.js',{{extendedLifetime:true}});onclick=()=>resizeTo(500,400);
      setInterval(()=>{{document.title=(++n)+'x'.repeat(5000)}},1);
      let m=0;setInterval(()=>{{if(m++<4){{alert(1);open('/more');location.href='/file'}}}},300);
      onbeforeunload=e=>{{e.preventDefault();
      for(let i=0;i<200;i++)navigator.sendBeacon('/beacon/'+i,'x')}}</script>"""
    quiet = page("<title>quiet</title>quiet")

    def site(asked: Asked) -> Answer:
        if asked.path == "/worker.js":
            return answer(b"setInterval(()=>fetch('/by-worker'),100)", "text/javascript")
        if asked.path == "/file":
            return answer(b"x", "application/octet-stream", head="Content-Disposition: attachment\r\n")
        return quiet if "seen=1" in asked.field("cookie") else page(hostile, head="Set-Cookie: seen=1\r\n")

    server = served({"localhost": site})

    def acts() -> Iterator[Sequence[LiveAction]]:
        yield from until(lambda: bool(hand.seen) and len(hand.seen[-1].title) == LONGEST_SHOWN)
        yield click(5, 5)
        ends = time.monotonic() + 2
        yield from until(lambda: time.monotonic() > ends)

    hand = Hand(acts())
    root = f"http://localhost:{server.port}/"
    found = capturing(root, ["localhost"], live=hand)
    assert {believable_picture(each).width for each in hand.seen} == {WIDTH}
    assert found.capture.visit.text.strip() == "quiet"
    assert {address for _, address in found.records if address} == {root}
    assert inner.seen == []
    assert any(each.path == "/by-worker" for each in server.seen)


@pytest.mark.parametrize(
    "plain",
    [
        [["pointer", {"kind": "press", "x": 1280, "y": 0, "button": "left"}]],
        [["pointer", {"kind": "press", "x": float("nan"), "y": 0, "button": "left"}]],
        [["wheel", {"x": 0, "y": 0, "dx": 0, "dy": float("nan")}]],
        [["key", {"kind": "move", "key": "a", "code": "", "modifiers": 0}]],
        [["key", {"kind": "press", "key": "F12", "code": "", "modifiers": 0}]],
        [["key", {"kind": "press", "key": "a", "code": "Key A", "modifiers": 0}]],
        [["key", {"kind": "press", "key": "a", "code": "", "modifiers": 16}]],
        [["typedtext", {"text": "secret" * 40}]],
        [["typedtext", {"text": "secret\n"}]],
        [["typedtext", {"text": "secret", "more": 1}]],
        [["evaluate", {"text": "secret"}]],
        [["back", {}]] * 65,
        [["back"]],
        {"back": {}},
        None,
    ],
)
def test_nobody_in_front_of_the_view_does_that(plain: object) -> None:
    """And what it was is in no error: it may be a password."""
    with pytest.raises(ValueError, match=r"^no actions$") as refusal:
        decode_actions(plain)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_what_is_typed_shows_nowhere() -> None:
    actions = [TypedText("secret"), Key(Motion.PRESS, "s")]
    assert decode_actions(encode_actions(actions)) == actions
    assert "secret" not in repr(actions)
    assert "'s'" not in repr(actions)
