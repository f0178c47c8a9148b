"""Recorded sessions: steps on real pages, each with what was seen after it, whatever the page does about it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from appliance.web_capture.model import (
    LONGEST_STEP,
    LONGEST_TARGET,
    MOST_STEPS,
    CaptureFailed,
    CaptureLimits,
    CaptureStep,
    StepKind,
    StepOutcome,
    StepResult,
)
from appliance.web_capture.screen_recording import ScreenRecording, durations
from appliance.web_capture.session import require_steps
from tests.web_capture.conftest import Captured, Capturing, now
from tests.web_capture.servers import Asked, Server, answer, page

Served = Callable[..., Server]
RED, BLUE = (200, 30, 30), (30, 30, 200)


def click(target: str) -> CaptureStep:
    return CaptureStep(StepKind.CLICK, target)


def scroll(target: str = "") -> CaptureStep:
    return CaptureStep(StepKind.SCROLL, target)


def wait(seconds: float = 0.0, target: str = "") -> CaptureStep:
    return CaptureStep(StepKind.WAIT, target, seconds)


def told(captured: Captured) -> list[tuple[StepResult, str]]:
    return [(each.result, each.note) for each in captured.capture.steps]


def colour(outcome: StepOutcome, at: tuple[int, int] = (640, 450)) -> object:
    with Image.open(io.BytesIO(outcome.picture)) as picture:
        assert picture.size == (1280, 900)
        return picture.convert("RGB").getpixel(at)


def test_steps_and_what_was_seen_after_each(served: Served, capturing: Capturing) -> None:
    """What a click loads is in the record; a step that finds nothing is told, and the rest goes on."""
    body = """<body style='margin:0'><button id=more style='width:300px;height:100px'>more</button>
      <div id=far style='position:absolute;top:5000px;left:0;width:1280px;height:900px;background:#c81e1e'></div>
      <script>document.getElementById('more').onclick=e=>{if(e.isTrusted)fetch('/more').then(r=>r.text()).then(t=>
      {document.body.style.background='#1e1ec8';const p=document.createElement('p');p.id='late';p.textContent=t;
      setTimeout(()=>document.body.append(p),700)})}</script>"""
    server = served({"site.example": lambda asked: page(body if asked.path == "/" else "loaded by a click")})
    root = f"http://site.example:{server.port}/"
    steps = (click("#gone"), click("#more"), wait(5, "#late"), scroll("#far"), click("[["), scroll(), wait(0.2))
    found = capturing(root, ["site.example"], steps=steps)
    assert told(found) == [
        (StepResult.NOT_FOUND, ""),
        (StepResult.DONE, ""),
        (StepResult.DONE, ""),
        (StepResult.DONE, ""),
        (StepResult.REFUSED, "selector"),
        (StepResult.DONE, ""),
        (StepResult.DONE, ""),
    ]
    outcomes = found.capture.steps
    assert tuple(each.step for each in outcomes) == steps
    assert colour(outcomes[0]) == (255, 255, 255)
    assert colour(outcomes[1]) == BLUE
    assert colour(outcomes[3]) == RED
    assert [each.at for each in outcomes] == sorted(each.at for each in outcomes)
    assert {each.address for each in outcomes} == {root}
    assert b"loaded by a click" in found.response(f"{root}more")
    assert "loaded by a click" in found.capture.visit.text
    assert (found.capture.session, found.capture.frames) == (b"", ())


def test_a_click_that_leads_elsewhere(served: Served, capturing: Capturing) -> None:
    """The other page is recorded and shown from then on, and following steps are for it."""
    red = "<body style='background:#c81e1e'><a id=on href='#part'>on</a><p id=part>other page"
    server = served({"site.example": lambda asked: page("<a href=/b>go</a>" if asked.path == "/" else red)})
    root = f"http://site.example:{server.port}"
    found = capturing(f"{root}/", ["site.example"], steps=(click("a"), click("#on")))
    assert told(found) == [(StepResult.LEFT, ""), (StepResult.DONE, "")]
    assert [each.address for each in found.capture.steps] == [f"{root}/b", f"{root}/b#part"]
    assert colour(found.capture.steps[0]) == RED
    assert found.capture.visit.address == f"{root}/b#part"
    assert "other page" in found.capture.visit.text


def test_what_a_click_does_not_get(served: Served, capturing: Capturing) -> None:
    """Windows, dialogs and downloads are told with the step; what is hidden or covered is not clicked."""
    body = """<body style='margin:0'><button id=w onclick="window.open('/w')">w</button>
      <button id=d onclick="alert(1);confirm(2)">d</button><a id=l href=/tool.exe>l</a>
      <button id=h style='display:none' onclick='hit()'>h</button>
      <div style='position:relative'><button id=c style='width:90px;height:90px' onclick='hit()'>c</button>
      <div style='position:absolute;inset:0'></div></div><script>function hit(){document.title='hit'}</script>"""

    def site(asked: Asked) -> bytes:
        if asked.path == "/tool.exe":
            return answer(b"MZ", "application/octet-stream", head="Content-Disposition: attachment\r\n")
        return page(body)

    server = served({"site.example": site})
    root = f"http://site.example:{server.port}"
    steps = (click("#w"), click("#d"), click("#l"), click("#h"), click("#c"), wait(0.1))
    found = capturing(f"{root}/", ["site.example"], steps=steps)
    assert told(found) == [
        (StepResult.DONE, "window"),
        (StepResult.DONE, "dialog"),
        (StepResult.DONE, "download"),
        (StepResult.REFUSED, "hidden"),
        (StepResult.REFUSED, "covered"),
        (StepResult.DONE, ""),
    ]
    assert found.response(f"{root}/tool.exe").endswith(b"MZ")
    assert found.capture.visit.title == ""
    assert found.capture.visit.address == f"{root}/"


def test_a_page_that_gets_in_the_way_of_steps(served: Served, capturing: Capturing) -> None:
    """Its scripts and the names of its fields change nothing of how elements are found and clicked."""
    body = """<form onsubmit='return false'><input name=getBoundingClientRect><input name=scrollIntoView>
      <input name=contains><button id=b onclick="document.title='clicked'">b</button></form><script>
      document.querySelector=()=>null;Element.prototype.getBoundingClientRect=()=>({});JSON.stringify=()=>''</script>"""
    server = served({"site.example": lambda _: page(body)})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], steps=(scroll("form"), click("#b")))
    assert told(found) == [(StepResult.DONE, ""), (StepResult.DONE, "")]
    assert found.capture.visit.title == "clicked"


@pytest.mark.long
def test_a_session_has_an_end(served: Served, capturing: Capturing) -> None:
    server = served({"site.example": lambda _: page("<p>shown")})
    limits = CaptureLimits(seconds=20.0, session=2.0)
    steps = (wait(30), wait(30, "#never"), click("p"))
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits, steps=steps)
    assert [each.result for each in found.capture.steps] == [StepResult.DONE, StepResult.LATE, StepResult.LATE]
    assert [bool(each.picture) for each in found.capture.steps] == [True, False, False]
    assert found.capture.visit.text == "shown"


@pytest.mark.long
def test_a_page_that_holds_on_to_its_visitor(served: Served, capturing: Capturing) -> None:
    """A page that asks before it is left stays."""
    stays = "<script>onbeforeunload=e=>e.preventDefault()</script><button>b</button><a href=/b>go</a>"
    server = served({"site.example": lambda asked: page(stays if asked.path == "/" else "elsewhere")})
    steps = (click("button"), click("a"), wait(0.1))
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], steps=steps)
    assert told(found)[1:] == [(StepResult.DONE, "dialog"), (StepResult.DONE, "")]
    assert "elsewhere" not in found.capture.visit.text


def test_the_screen_is_recorded(served: Served, capturing: Capturing) -> None:
    """From the step that asks for it, with the time of each picture."""
    body = """<body style='margin:0;background:#c81e1e'><script>
      setTimeout(()=>document.body.style.background='#1e1ec8',2500);
      setInterval(()=>document.body.append('.'),50)</script>"""
    server = served({"site.example": lambda _: page(body)})
    record = CaptureStep(StepKind.RECORD, seconds=4.0)
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], steps=(wait(0.1), record)).capture
    assert [each.result for each in found.steps] == [StepResult.DONE, StepResult.DONE]
    with Image.open(io.BytesIO(found.session)) as recorded:
        count = getattr(recorded, "n_frames", 1)
        shown = []
        for number in range(count):
            recorded.seek(number)
            shown.append(recorded.convert("RGB").getpixel((900, 600)))
    assert 3 <= count == len(found.frames) <= 10
    blue = [pixel[2] > pixel[0] for pixel in shown if isinstance(pixel, tuple)]
    assert blue == sorted(blue)
    assert blue[-1]
    gaps = [(b - a).total_seconds() for a, b in zip(found.frames, found.frames[1:], strict=False)]
    assert min(gaps) > 0


def test_pictures_of_the_screen_have_limits() -> None:
    """At most two a second, the last of each half second; none that is too large; so many in all."""
    clock = [0.0]
    recording = ScreenRecording(now, seconds=lambda: clock[0])
    for number in range(800):
        recording.take(b"%d" % number, number)
        recording.due()
        clock[0] += 0.125
    kept = [int(picture) for _, picture in recording.pictures()]
    assert kept[:3] == [0, 4, 8]
    assert len(kept) == 201  # with the last one
    full = ScreenRecording(now, seconds=lambda: clock[0])
    for number in range(1000):
        full.take(bytes(2 * 1024 * 1024), number)
        full.due()
        clock[0] += 1
    assert len(full.pictures()) == 24
    full.take(bytes(3 * 1024 * 1024), 1)
    assert full.due() == []


def test_each_picture_is_shown_as_long_as_it_was_seen() -> None:
    start = now()
    times = [start, start.replace(year=start.year + 1)]
    assert durations(times, times[1]) == [60_000, 100]
    assert durations([start], start) == [100]


@pytest.mark.parametrize(
    "steps",
    [
        (wait(1),) * (MOST_STEPS + 1),
        (wait(LONGEST_STEP + 1),),
        (wait(-1),),
        (wait(float("nan")),),
        (wait(float("inf")),),
        (click(""),),
        (click(" "),),
        (click("a" * (LONGEST_TARGET + 1)),),
        (click("a\n"),),
    ],
)
def test_steps_that_cannot_be_carried_out(steps: tuple[CaptureStep, ...]) -> None:
    with pytest.raises(CaptureFailed):
        require_steps(steps)
