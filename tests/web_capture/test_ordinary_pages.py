"""Pages captured whole, in what test_ordinary_sites.py does not ask: odd heads, names, TLS, pictures in parts."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from appliance.web_capture.model import TlsTrust
from tests.web_capture.conftest import Captured, Capturing
from tests.web_capture.servers import Server, answer, packed, page

Served = Callable[..., Server]
RED = (200, 30, 30)


def red() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (40, 40), RED).save(written, "PNG")
    return written.getvalue()


def require_whole(captured: Captured, folder: Path) -> None:
    """warcio, which is not ours, reads every record and finds every digest right."""
    file = folder / "capture.warc.gz"
    file.write_bytes(captured.capture.warc)
    judged = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", str(file)], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout
    assert not captured.capture.visit.cut
    assert not captured.capture.traffic.refused
    assert not captured.capture.traffic.cut
    assert captured.capture.visit.error == ""


def pixels(captured: Captured, colour: tuple[int, int, int] = RED) -> int:
    with Image.open(io.BytesIO(captured.capture.visit.picture)) as picture:
        return sum(count for count, each in picture.convert("RGB").getcolors(2**24) or [] if each == colour)


def test_a_plain_page(served: Served, capturing: Capturing, tmp_path: Path) -> None:
    odd = "X-Odd:   three spaces \r\nx-lower: \u00e9\r\n"
    text = page("<title>侵权页面</title><p>抄袭的文章 & more", head=odd)
    server = served({"site.example": lambda _: text})
    found = capturing(f"http://site.example:{server.port}/a?b=c#d", ["site.example"])
    require_whole(found, tmp_path)
    assert found.response(f"http://site.example:{server.port}/a?b=c") == text
    visit = found.capture.visit
    assert (visit.title, visit.text) == ("侵权页面", "抄袭的文章 & more")
    assert visit.address == f"http://site.example:{server.port}/a?b=c#d"
    assert visit.pdf.startswith(b"%PDF-")
    assert found.capture.traffic.resolutions["site.example"].answers == ("site.example. 60 IN A 127.0.0.1",)


def test_compressed_chunked_and_by_an_old_server(served: Served, capturing: Capturing, tmp_path: Path) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"14\r\np { color: #c81e1e }\r\n0\r\n\r\n"
    )
    old = b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n" + red()
    body = b"<link rel=stylesheet href=/a.css><p>text<img src=/a.png>"
    answers = {"/": packed(body, "text/html"), "/a.css": chunked, "/a.png": old}
    server = served({"site.example": lambda asked: answers[asked.path]})
    root = f"http://site.example:{server.port}"
    found = capturing(f"{root}/", ["site.example"])
    require_whole(found, tmp_path)
    for path, sent in answers.items():
        assert found.response(root + path) == sent
    assert pixels(found) >= 1600


@pytest.mark.long
def test_a_service_worker_and_early_hints(
    served: Served,
    capturing: Capturing,
    tmp_path: Path,
    authority: tuple[Callable[..., object], Callable[[], object]],
) -> None:
    of, trust = authority
    worker = """self.addEventListener('activate',e=>e.waitUntil(clients.claim()));
      self.addEventListener('fetch',e=>{if(e.request.url.endsWith('/made'))e.respondWith(fetch('/real'))})"""
    script = """<p id=x></p><script>const shown=()=>fetch('/made').then(r=>r.text()).then(t=>
      {document.getElementById('x').textContent=t});
      navigator.serviceWorker.addEventListener('controllerchange',shown);
      navigator.serviceWorker.register('/sw.js')</script>"""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </real>; rel=preload\r\n\r\n"
    answers = {
        "/": hints + page(script),
        "/sw.js": answer(worker.encode(), "text/javascript"),
        "/real": page("by the worker"),
        "/made": page("by the server"),
    }
    server = served({"site.example": lambda asked: answers[asked.path]}, of("site.example"))
    found = capturing(f"https://site.example:{server.port}/", ["site.example"], trust=trust)
    require_whole(found, tmp_path)
    assert found.capture.visit.text == "by the worker"
    assert ("response", f"https://site.example:{server.port}/sw.js") in found.records
    assert found.response(f"https://site.example:{server.port}/") == page(script)
    tls = found.capture.traffic.tls["site.example"]
    assert (tls.trust, tls.why, tls.version) == (TlsTrust.TRUSTED, "", "TLSv1.3")
    assert tls.chain


@pytest.mark.long
def test_a_page_taller_than_one_picture(served: Served, capturing: Capturing, tmp_path: Path) -> None:
    """The last line is in the picture, below what Chromium draws at once."""
    body = (
        "<body style='margin:0'><div style='height:20000px'></div><div style='height:50px;background:#c81e1e'>end"
    )
    server = served({"site.example": lambda _: page(body)})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    require_whole(found, tmp_path)
    assert found.capture.visit.height == 20050
    with Image.open(io.BytesIO(found.capture.visit.picture)) as picture:
        assert picture.height == 20050
        assert picture.convert("RGB").getpixel((600, 20040)) == RED
        assert picture.convert("RGB").getpixel((600, 9000)) == (255, 255, 255)


LETTERS = "ab αβ жя հա ქა עב عق ئې हन বল ਪਜ ગજ தம తల కన മള සහ ทย ລວ កខ မန བད ᠮᠣ ꆈꌠ አማ 中文 かな 한국 👍🎉"
"""Two letters each of the writings of most people, and two emoji."""


def test_no_writing_is_boxes_and_emoji_have_colours(served: Served, capturing: Capturing) -> None:
    """Where a typeface lacks both letters of a pair, they look the same (fonts-noto-core, -cjk, -color-emoji)."""
    place = "<div style='position:absolute;font:40px sans-serif;left:{}px;top:{}px'>{}</div>"
    pairs = LETTERS.split()
    body = "".join(place.format(x * 100, row * 60, each[x]) for row, each in enumerate(pairs) for x in (0, 1))
    server = served({"site.example": lambda _: page(f"<!doctype html><body>{body}")})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"]).capture.visit
    with Image.open(io.BytesIO(found.picture)) as picture:
        cells = [
            [picture.crop((x * 100, row * 60, x * 100 + 100, row * 60 + 60)) for x in (0, 1)]
            for row in range(len(pairs))
        ]
    assert [
        pair for pair, (one, other) in zip(pairs, cells, strict=True) if one.tobytes() == other.tobytes()
    ] == []
    for each in cells[-1]:
        assert max(max(pixel) - min(pixel) for _, pixel in each.getcolors(6000) or ()) > 100
