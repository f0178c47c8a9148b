"""Frames of a page, of its own site and of others: words, elements, and pages that no server sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.web_capture import capturing as engine
from appliance.web_capture.model import CaptureLimits, CaptureStep, StepKind, StepResult
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Asked, Server, page

Served = Callable[..., Server]
HOSTS = ["site.example", "other.test", "third.test"]
"""Of three sites."""

_BUTTON = "<button onclick=\"if(event.isTrusted)document.body.append('clicked')\">b</button>"


def frames(server: Server) -> Callable[[Asked], bytes]:
    """A page with a frame of its own, one of another site with one of a third, and one that is not shown."""

    def answer(asked: Asked) -> bytes:
        def at(host: str) -> str:
            return f"http://{host}:{server.port}/in?visit=7"

        bodies = {
            ("site.example", "/"): f"""<body style='margin:0'>outer words<div style='height:1500px'></div>
              <iframe id=own src=/in style='border:9px solid;padding:5px'></iframe>
              <iframe id=other src={at("other.test")} style='height:300px'></iframe>
              <iframe style='display:none' src=/hidden></iframe>""",
            ("site.example", "/in"): f"own words{_BUTTON}",
            ("site.example", "/hidden"): "never seen",
            ("other.test", "/in?visit=7"): f"other words<iframe id=third src={at('third.test')}></iframe>",
            ("third.test", "/in?visit=7"): f"<div style='height:900px'>third words</div>{_BUTTON}",
        }
        return page(bodies.get((asked.host, asked.path), ""))

    return answer


@pytest.mark.parametrize("isolated", [False, True])
def test_what_is_written_and_clicked_in_frames(
    isolated: bool, served: Served, capturing: Capturing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, as Chromium without a window has them, and in one for each site."""
    if isolated:
        monkeypatch.setattr(engine, "_ALWAYS", (*engine._ALWAYS, "--site-per-process"))
    server = served({})
    server.sites = dict.fromkeys(HOSTS, frames(server))
    targets = ("#own >>> button", "#other >>> #third >>> button", "#none >>> b", "body >>> b", "#other >>> [[")
    steps = tuple(CaptureStep(StepKind.CLICK, each) for each in targets)
    found = capturing(f"http://site.example:{server.port}/", HOSTS, steps=steps).capture
    assert [(each.result, each.note) for each in found.steps] == [
        (StepResult.DONE, ""),
        (StepResult.DONE, ""),
        (StepResult.NOT_FOUND, ""),
        (StepResult.NOT_FOUND, ""),
        (StepResult.REFUSED, "selector"),
    ]
    told = found.visit.text.split("\n\n--- ")
    assert told[0].startswith("outer words")
    assert {each.partition(" ---\n")[0]: each.partition(" ---\n")[2].split() for each in told[1:]} == {
        f"http://site.example:{server.port}/in": ["own", "wordsbclicked"],
        f"http://other.test:{server.port}/in": ["other", "words"],
        f"http://third.test:{server.port}/in": ["third", "words", "bclicked"],
    }
    assert found.visit.cut == ()
    assert not found.traffic.cut


def test_pages_that_no_server_sent_are_told(served: Served, capturing: Capturing) -> None:
    """As frames, and where the whole page goes on to one."""
    script = """<script>const blob=URL.createObjectURL(new Blob(['made words'],{type:'text/html'}));
      for(const src of [blob,'data:text/html,data words'])
      document.body.append(Object.assign(document.createElement('iframe'),{src}));
      if(location.pathname=='/go')setTimeout(()=>location=blob,500)</script>"""
    server = served({"site.example": lambda _: page(f"<body>outer{script}")})
    root = f"http://site.example:{server.port}"
    found = capturing(f"{root}/", ["site.example"]).capture
    told = sorted((each.address[:5], each.why) for each in found.traffic.cut)
    assert told == [("blob:", "made-by-page"), ("data:", "made-by-page")]
    assert {"--- blob: ---\nmade words", "--- data: ---\ndata words"} < set(found.visit.text.split("\n\n"))
    gone = capturing(f"{root}/go", ["site.example"]).capture
    assert gone.visit.address.startswith(f"blob:{root}/")
    assert (gone.visit.address, "made-by-page") in {(each.address, each.why) for each in gone.traffic.cut}


BUSY = {
    "a script without end": "for(;;);",
    "dialogs without end": "for(;;)alert(1)",
    "scripts without end, again and again": "setInterval(()=>{for(;;);},1)",
}


@pytest.mark.parametrize(
    "kind", [next(iter(BUSY)), *(pytest.param(each, marks=pytest.mark.long) for each in [*BUSY][1:])]
)
def test_a_step_that_never_ends_is_stopped_and_told(kind: str, served: Served, capturing: Capturing) -> None:
    """What comes after it is tried, and the page is shown as it is then; also where the script is a frame's."""
    body = f"""shown<button id=b onclick="document.body.append('!');{BUSY[kind]}">b</button>
      <button id=c onclick="document.body.append('?')">c</button>"""

    def site(asked: Asked) -> bytes:
        inner = f"<iframe src=http://other.test:{server.port}/in></iframe>"
        return page(inner if asked.path == "/framed" else body)

    server = served({})
    server.sites = dict.fromkeys(HOSTS, site)
    for path, within in (("/", ""), ("/framed", "iframe >>> ")):
        steps = tuple(CaptureStep(StepKind.CLICK, f"{within}{each}") for each in ("#b", "#c"))
        found = capturing(
            f"http://site.example:{server.port}{path}", HOSTS, limits=CaptureLimits(seconds=8), steps=steps
        ).capture
        assert (found.steps[0].result, found.steps[0].note.split()[0]) == (StepResult.LATE, "busy")
        assert found.steps[0].picture
        assert found.steps[1].result is not StepResult.REFUSED
        assert "shown" in found.visit.text
        assert "!" in found.visit.text
