"""What the browser does with an address: it opens it, waits, scrolls to the end, and gives picture, PDF and text.

1. the address is opened in a tab of a fresh profile; other windows, dialogs and downloads are refused;
2. it waits until the page says that it is loaded and nothing has been under way for a moment;
3. the steps of a recorded session are carried out, if there are any;
4. it scrolls down screen by screen, so that what is loaded late is loaded, to the page's end or the limit;
5. it scrolls up again; picture, PDF and text are of what is there then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from appliance.web_capture.model import CaptureLimits, CaptureOrder, CaptureStage, StepOutcome
from appliance.web_capture.pictures import MOST_PIXELS, TILE
from appliance.web_capture.reporting import CaptureReporting
from appliance.web_capture.screen_recording import durations
from appliance.web_capture.session import CaptureSession
from appliance.web_capture.tab import QUIET, SCREEN, TICK, WIDTH, Tab

_LONGEST_TEXT: Final = 4_000_000
"""Characters."""
_STATUS: Final = "performance.getEntriesByType('navigation')[0]?.responseStatus"
_BAD_GATEWAY: Final = 502
"""What the proxy answers for what it refuses."""

_LONGEST_ADDRESS: Final = 8_000
"""Characters of an address that scripts may have made."""
_SHEETS: Final = 200
"""Pages of a PDF."""
Draw = Callable[..., bytes]
"""A job of :data:`appliance.confinement.jobs.CAPTURE_PICTURES`, by name and arguments. Raises ApplianceError."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was seen. ``address`` is the last one, after redirects, as the browser shows it; ``cut`` are stable
    words for what is not whole: ``time``, ``height``. ``error`` is Chromium's word where the page could not be
    opened at all, or the proxy's for why it was refused. ``loaded_address`` is the document's own, without what a
    script has made of it (``history.pushState``): the one that is in the WARC."""

    address: str
    title: str
    text: str
    picture: bytes
    pdf: bytes
    loaded: bool
    height: int
    cut: tuple[str, ...]
    error: str
    product: str
    loaded_address: str = ""


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit with what its steps gave; ``session`` is the recorded screen (WebP), pictures of these times."""

    visit: Visit
    steps: tuple[StepOutcome, ...]
    session: bytes
    frames: tuple[datetime, ...]


class Visitor:
    """Asks the browser of *tab*."""

    def __init__(
        self,
        tab: Tab,
        limits: CaptureLimits,
        reporting: CaptureReporting,
        draw: Draw,
        why_refused: Callable[[str], str],
    ) -> None:
        self._tab = tab
        self._limits = limits
        self._reporting = reporting
        self._draw = draw
        self._why_refused = why_refused
        self._product = str(tab.ask("Browser.getVersion").get("product", ""))

    def visit(self, order: CaptureOrder) -> Visited:
        """Raises :class:`CaptureFailed`, :class:`appliance.web_capture.devtools.BrowserGone`."""
        deadline = time.monotonic() + self._limits.seconds
        self._reporting.enter(CaptureStage.LOADING)
        answer = self._tab.ask("Page.navigate", {"url": order.address}, seconds=self._limits.seconds)
        error = str(answer.get("errorText", ""))
        loaded = self._tab.settle(deadline)
        began = time.monotonic()
        steps, session, frames = self._steps(order)
        deadline += time.monotonic() - began
        self._reporting.enter(CaptureStage.SCROLLING)
        if not loaded:
            self._tab.hold()
        height, cut = self._scrolled(deadline)
        if not loaded:
            cut = ("time", *cut)
        self._reporting.enter(CaptureStage.PICTURE)
        words = tuple(dict.fromkeys(cut))
        seen = self._tab.of_one_page(lambda: self._seen(error, height, loaded=loaded, cut=words))
        return Visited(seen, steps, session, frames)

    def _steps(self, order: CaptureOrder) -> tuple[tuple[StepOutcome, ...], bytes, tuple[datetime, ...]]:
        if not order.steps:
            return (), b"", ()
        self._reporting.enter(CaptureStage.STEPS)
        steps = CaptureSession(self._tab, self._draw, self._limits.session).run(order.steps)
        self._tab.ask("Page.stopScreencast")
        pictures = self._tab.recording.pictures()
        if not pictures:
            return steps, b"", ()
        times = [at for at, _ in pictures]
        shown = durations(times, self._tab.clock())
        session = self._draw("captures.animated", pictures=[each for _, each in pictures], milliseconds=shown)
        return steps, session, tuple(times)

    def _height(self) -> int:
        return max(1, int(self._size()["height"]))

    def _width(self) -> int:
        return max(1, min(int(self._size()["width"]), 4 * WIDTH))

    def _size(self) -> Mapping[str, Any]:
        return dict(self._tab.ask("Page.getLayoutMetrics")["cssContentSize"])

    def _scrolled(self, deadline: float) -> tuple[int, tuple[str, ...]]:
        """The page's height once it has been looked through, and what cut that short."""
        place = 0
        cut: tuple[str, ...] = ()
        while True:
            height = self._height()
            if place + SCREEN >= height:
                break
            if place >= self._limits.height:
                cut = ("height",)
                break
            if time.monotonic() >= deadline:
                cut = ("time",)
                break
            place += SCREEN
            self._tab.value(f"window.scrollTo(0, {place})")
            self._tab.wait(TICK)
            if place + SCREEN >= self._height():
                self._tab.settle(deadline)
        if "time" in cut:
            self._tab.hold()
        self._tab.value("window.scrollTo(0, 0)")
        self._tab.settle(min(deadline, time.monotonic() + 2 * QUIET))
        self._tab.hold()
        height, most = self._height(), min(self._limits.height, MOST_PIXELS // self._width())
        return (most, (*cut, "height")) if height > most else (height, cut)

    def _seen(self, error: str, height: int, *, loaded: bool, cut: tuple[str, ...]) -> Visit:
        most = _LONGEST_TEXT + 1  # cut where they are: what a script makes too long is not sent
        text = self._tab.said(f"(document.documentElement?.innerText ?? '').slice(0, {most})")
        address = self._tab.said(f"location.href.slice(0, {_LONGEST_ADDRESS})")
        refused = self._tab.value(_STATUS) == _BAD_GATEWAY  # a server's own page may have that status, too
        seen = Visit(
            address=address,
            title=self._tab.said("document.title.slice(0, 1000)"),
            text=text[:_LONGEST_TEXT],
            picture=self._picture(height),
            pdf=self._tab.octets("Page.printToPDF", {"printBackground": True, "pageRanges": f"1-{_SHEETS}"}),
            loaded=loaded,
            height=height,
            cut=cut,
            error=error or (self._why_refused(self._tab.loaded) if refused else ""),
            product=self._product,
            loaded_address=self._tab.loaded if self._tab.loaded.startswith(("http://", "https://")) else address,
        )
        return seen if len(text) <= _LONGEST_TEXT else replace(seen, cut=(*cut, "text"))

    def _picture(self, height: int) -> bytes:
        """The whole page as PNG, put together of tiles in confinement."""
        width = self._width()
        tiles = [
            self._tab.octets("Page.captureScreenshot", _clip(top, width, height)) for top in range(0, height, TILE)
        ]
        return self._draw("captures.assembled", tiles=tiles, width=width, height=height)


def _clip(top: int, width: int, height: int) -> Mapping[str, Any]:
    part = {"x": 0, "y": top, "width": width, "height": min(TILE, height - top), "scale": 1}
    return {"format": "png", "clip": part, "captureBeyondViewport": True}
