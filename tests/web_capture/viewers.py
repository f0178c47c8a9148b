"""Who else looks at a site: a visitor with a Chromium that nothing confines, and ReplayWeb.page, to whom a capture
is all that is left of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Frame, Page

from tests.browser.conftest import launched
from tests.shared import made_once
from tests.web_capture.servers import Asked, Server, answer, page, ranged
from tests.web_capture.site import FILM, RED, OrdinarySite

REPLAY = Path(__file__).with_name("node") / "node_modules/replaywebpage"
"""The locked npm package, which `scripts/setup capture` installs."""
_SIZE = {"width": 1280, "height": 900}
_PATIENCE = 30_000
"""Milliseconds: a busy machine is slow, not wrong."""
_TILE = 8_000
"""Pixels: Chromium repeats itself in pictures that are taller than 16,384."""
_RECORDING = """async () => {
  const canvas = document.createElement('canvas'); canvas.width = 160; canvas.height = 120;
  const drawn = canvas.getContext('2d'); drawn.fillStyle = '#1e64c8';
  const recorder = new MediaRecorder(canvas.captureStream(25), {mimeType: 'video/webm;codecs=vp8'}), parts = [];
  const ended = new Promise((done) => { recorder.onstop = done; });
  recorder.ondataavailable = (each) => parts.push(each.data); recorder.start();
  const pause = () => new Promise((done) => setTimeout(done, 40));
  for (let n = 0; n < 20; n++) { drawn.fillRect(0, 0, 160, 120); await pause(); }
  recorder.stop(); await ended;
  const octets = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(octets, (each) => String.fromCharCode(each)).join(''));
}"""
_PICTURES = "[...document.images].filter((each) => each.naturalWidth > 0).length"


@contextmanager
def chromium(fingerprint: str) -> Iterator[Browser]:
    """A browser to which every name below ``example`` is this machine, and that believes the key of *fingerprint*
    (SHA-256 of its SubjectPublicKeyInfo in base64)."""
    trusted = f"--ignore-certificate-errors-spki-list={fingerprint}"
    with launched("--host-resolver-rules=MAP *.example 127.0.0.1", trusted) as browser:
        yield browser


def make_film(browser: Browser) -> None:
    """Has *browser* record a WebM of one colour, once in a run."""

    def record(folder: Path) -> None:
        tab = browser.new_page()
        (folder / "film.webm").write_bytes(base64.b64decode(tab.evaluate(_RECORDING)))
        tab.close()

    made_once(FILM, record)


def visited(browser: Browser, site: OrdinarySite, port: int) -> bytes:
    """What a visitor sees of *site*, as PNG: they scroll to its end first, as a capture does."""
    context = browser.new_context(viewport=_SIZE)  # type: ignore[arg-type]  # a dict of ints
    context.set_default_timeout(_PATIENCE)
    try:
        tab = context.new_page()
        tab.goto(site.address(port), wait_until="networkidle")
        _scroll(tab.main_frame)
        require_shown(tab.main_frame, site, site.words + site.unreplayed)
        return _picture(tab)
    finally:
        context.close()


def _scroll(frame: Frame) -> None:
    """To the end, screen by screen, and up again."""
    place, still = -1, 0
    while still < 5:
        frame.evaluate("window.scrollBy(0, 900)")
        frame.page.wait_for_timeout(100)
        now = int(frame.evaluate("scrollY"))
        place, still = now, still + 1 if now == place else 0
    frame.evaluate("window.scrollTo(0, 0)")
    frame.page.wait_for_timeout(300)


def _picture(tab: Page) -> bytes:
    height = int(tab.evaluate("document.documentElement.scrollHeight"))
    whole = Image.new("RGB", (_SIZE["width"], height), "white")
    for top in range(0, height, _TILE):
        part = {"x": 0, "y": top, "width": _SIZE["width"], "height": min(_TILE, height - top)}
        taken = tab.screenshot(full_page=True, clip=part)  # type: ignore[arg-type]  # a dict of ints
        with Image.open(io.BytesIO(taken)) as tile:
            whole.paste(tile.convert("RGB"), (0, top))
    made = io.BytesIO()
    whole.save(made, "PNG")
    return made.getvalue()


def different(one: bytes, other: bytes, *, by: int = 24) -> float:
    """The share of pixels that differ in some channel by more than *by* of 255; 1 where the sizes differ."""
    with Image.open(io.BytesIO(one)) as left, Image.open(io.BytesIO(other)) as right:
        if left.size != right.size:
            return 1.0
        found = ImageChops.difference(left.convert("RGB"), right.convert("RGB"))
        red, green, blue = (each.point(lambda value: 255 * (value > by)) for each in found.split())
        either = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        return either.histogram()[255] / (left.width * left.height)


def require_shown(main: Frame, site: OrdinarySite, words: tuple[str, ...]) -> None:
    """*main* shows *site*: its style, and with the frames in it its pictures and its *words*."""
    main.wait_for_function(f"getComputedStyle(document.querySelector('h1')).color === '{RED}'")
    main.wait_for_function(site.holds)
    for _ in range(_PATIENCE // 100):
        frames = [main, *_below(main)]
        text = "\n".join(each.locator("body").inner_text() for each in frames)
        pictures = sum(int(each.evaluate(_PICTURES)) for each in frames)
        if pictures >= site.pictures and all(each in text for each in words):
            return
        main.page.wait_for_timeout(100)
    raise AssertionError((pictures, text))


def replayed(browser: Browser, wacz: bytes, site: OrdinarySite, address: str) -> None:
    """ReplayWeb.page shows *site* out of *wacz*, and asks nobody else for anything. The page is at *address*."""
    files = {
        "/": page(
            "<!doctype html><script src=/ui.js></script><style>replay-web-page{height:900px}</style>"
            f"<replay-web-page source=/page.wacz url='{address}' embed=replayonly></replay-web-page>"
        ),
        "/ui.js": answer((REPLAY / "ui.js").read_bytes(), "text/javascript"),
        "/replay/sw.js": answer((REPLAY / "sw.js").read_bytes(), "text/javascript"),
    }

    def serve(asked: Asked) -> bytes:
        path = asked.path.partition("?")[0]
        if path == "/page.wacz":
            return ranged(asked, wacz, "application/wacz")
        return files.get(path, page("", status="404 Not Found"))

    server = Server({"127.0.0.1": serve})
    context = browser.new_context(viewport=_SIZE)  # type: ignore[arg-type]  # a dict of ints
    context.set_default_timeout(_PATIENCE)
    elsewhere: list[str] = []
    context.on("request", lambda each: elsewhere.append(each.url))
    try:
        tab = context.new_page()
        tab.goto(f"http://127.0.0.1:{server.port}/")
        frame = _frame(tab)
        _scroll(frame)
        require_shown(frame, site, site.words)
        own = (f"http://127.0.0.1:{server.port}/", "data:", "blob:")
        assert not [each for each in elsewhere if not each.startswith(own)]
    finally:
        context.close()
        server.close()


def _frame(tab: Page) -> Frame:
    """The one in which the captured page is. On a busy machine ReplayWeb.page now and then starts with its list of
    addresses and opens none, so that it is started again."""
    for _ in range(3):
        for _ in range(_PATIENCE // 300):
            for frame in tab.frames:
                if "mp_/" in frame.url and frame.evaluate("!!document.querySelector('h1')"):
                    return frame
            tab.wait_for_timeout(100)
        tab.reload()
    raise AssertionError([(each.url, each.locator("body").inner_text()) for each in tab.frames])


def _below(frame: Frame) -> list[Frame]:
    return [each for child in frame.child_frames for each in (child, *_below(child))]
