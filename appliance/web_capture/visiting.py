"""What the browser does with an address: it opens it, waits, scrolls to the end, and gives picture, PDF and text.

1. the address is opened in a tab of a fresh profile; other windows, dialogs and downloads are refused;
2. it waits until the page says that it is loaded and nothing has been under way for a moment;
3. it scrolls down screen by screen, so that what is loaded late is loaded, to the page's end or the limit;
4. it scrolls up again; picture, PDF and text are of what is there then.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from PIL import Image

from appliance.web_capture.devtools import DevTools
from appliance.web_capture.model import CaptureFailed, CaptureLimits, CaptureStage
from appliance.web_capture.reporting import CaptureReporting

WIDTH: Final = 1280
_SCREEN: Final = 900
"""Pixels of the window."""
_QUIET: Final = 0.8
"""Seconds without a request after which a page counts as loaded."""
_TICK: Final = 0.1
_TILE: Final = 8_000
"""Pixels: a taller picture is taken in parts, since Chromium repeats itself beyond 16,384."""
_LONGEST_TEXT: Final = 4_000_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was seen. ``address`` is the last one, after redirects; ``cut`` are stable words for what is not whole:
    ``time``, ``height``. ``error`` is Chromium's word where the page could not be opened at all."""

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


class Visitor:
    """Asks one browser; *idle_since* says since when nothing passes through the proxy."""

    def __init__(
        self,
        tools: DevTools,
        limits: CaptureLimits,
        idle_since: Callable[[], datetime | None],
        clock: Callable[[], datetime],
        reporting: CaptureReporting,
    ) -> None:
        self._tools = tools
        self._limits = limits
        self._idle_since = idle_since
        self._clock = clock
        self._reporting = reporting
        self._session = ""

    def visit(self, address: str) -> Visit:
        """Raises :class:`CaptureFailed`, :class:`appliance.web_capture.devtools.BrowserGone`."""
        deadline = time.monotonic() + self._limits.seconds
        product = str(self._tools.ask("Browser.getVersion").get("product", ""))
        self._tools.ask("Browser.setDownloadBehavior", {"behavior": "deny"})
        tab = self._tools.ask("Target.createTarget", {"url": "about:blank", "width": WIDTH, "height": _SCREEN})
        attached = self._tools.ask("Target.attachToTarget", {"targetId": tab["targetId"], "flatten": True})
        self._session = str(attached["sessionId"])
        self._tools.ask("Target.setDiscoverTargets", {"discover": True})
        self._page("Page.enable")
        self._reporting.enter(CaptureStage.LOADING)
        error = str(
            self._page("Page.navigate", {"url": address}, seconds=self._limits.seconds).get("errorText", "")
        )
        loaded = self._settle(deadline, str(tab["targetId"]))
        self._reporting.enter(CaptureStage.SCROLLING)
        height, cut = self._scrolled(deadline, str(tab["targetId"]))
        if not loaded:
            cut = ("time", *cut)
        self._reporting.enter(CaptureStage.PICTURE)
        return self._seen(product, error, height, loaded=loaded, cut=tuple(dict.fromkeys(cut)))

    def _page(
        self, method: str, parameters: Mapping[str, Any] | None = None, *, seconds: float = 20.0
    ) -> Mapping[str, Any]:
        return self._tools.ask(method, parameters, session=self._session, seconds=seconds)

    def _value(self, expression: str) -> Any:
        """What *expression* is in a world of its own, which the page's scripts cannot change."""
        tree = self._page("Page.getFrameTree")
        world = self._page(
            "Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "capture"}
        )
        asked = {
            "expression": expression,
            "contextId": world["executionContextId"],
            "returnByValue": True,
        }
        return self._page("Runtime.evaluate", asked).get("result", {}).get("value")

    def _said(self, expression: str) -> str:
        """The same as text that can be written: scripts make halves of characters, which have no encoding."""
        return str(self._value(expression) or "").encode("utf-8", "replace").decode()

    def _settle(self, deadline: float, tab: str) -> bool:
        """Whether the page is loaded and quiet before *deadline*."""
        while time.monotonic() < deadline:
            self._reporting.tick()
            for event in self._tools.events(_TICK):
                self._refuse_more(event, tab)
            idle = self._idle_since()
            quiet = idle is not None and (self._clock() - idle).total_seconds() >= _QUIET
            if quiet and self._value("document.readyState") == "complete":
                return True
        return False

    def _refuse_more(self, event: Mapping[str, Any], tab: str) -> None:
        """Dialogs are closed, and so are windows that the page opens."""
        if event["method"] == "Page.javascriptDialogOpening":
            self._page("Page.handleJavaScriptDialog", {"accept": False})
        if event["method"] == "Target.targetCreated":
            target = event["params"]["targetInfo"]
            if target.get("type") == "page" and target.get("targetId") != tab:
                self._tools.ask("Target.closeTarget", {"targetId": target["targetId"]})

    def _height(self) -> int:
        size = self._page("Page.getLayoutMetrics")["cssContentSize"]
        return int(size["height"])

    def _scrolled(self, deadline: float, tab: str) -> tuple[int, tuple[str, ...]]:
        """The page's height once it has been looked through, and what cut that short."""
        place = 0
        cut: tuple[str, ...] = ()
        while True:
            height = self._height()
            if place + _SCREEN >= height:
                break
            if place >= self._limits.height:
                cut = ("height",)
                break
            if time.monotonic() >= deadline:
                cut = ("time",)
                break
            place += _SCREEN
            self._reporting.tick()
            self._value(f"window.scrollTo(0, {place})")
            for event in self._tools.events(_TICK):
                self._refuse_more(event, tab)
            if place + _SCREEN >= self._height():
                self._settle(deadline, tab)
        self._value("window.scrollTo(0, 0)")
        self._settle(min(deadline, time.monotonic() + 2 * _QUIET), tab)
        height = self._height()
        if height > self._limits.height:
            return self._limits.height, (*cut, "height")
        return height, cut

    def _seen(self, product: str, error: str, height: int, *, loaded: bool, cut: tuple[str, ...]) -> Visit:
        text = self._said("document.documentElement ? document.documentElement.innerText : ''")
        seen = Visit(
            address=self._said("location.href"),
            title=self._said("document.title")[:1000],
            text=text[:_LONGEST_TEXT],
            picture=self._picture(height),
            pdf=self._octets(self._page("Page.printToPDF", {"printBackground": True}, seconds=30.0)),
            loaded=loaded,
            height=height,
            cut=cut,
            error=error,
            product=product,
        )
        return seen if len(text) <= _LONGEST_TEXT else replace(seen, cut=(*cut, "text"))

    def _picture(self, height: int) -> bytes:
        """The whole page as PNG, put together of tiles."""
        width = max(1, min(int(self._page("Page.getLayoutMetrics")["cssContentSize"]["width"]), 4 * WIDTH))
        tiles = [
            (top, self._octets(self._page("Page.captureScreenshot", _clip(top, width, height), seconds=30.0)))
            for top in range(0, max(height, 1), _TILE)
        ]
        if len(tiles) == 1:
            return tiles[0][1]
        whole = Image.new("RGB", (width, height), "white")
        for top, tile in tiles:
            with Image.open(io.BytesIO(tile)) as part:
                whole.paste(part.convert("RGB"), (0, top))
        written = io.BytesIO()
        whole.save(written, "PNG", optimize=False)
        return written.getvalue()

    @staticmethod
    def _octets(answer: Mapping[str, Any]) -> bytes:
        try:
            return base64.b64decode(str(answer["data"]), validate=True)
        except (KeyError, ValueError) as error:
            raise CaptureFailed("The browser gave no picture of the page.") from error


def _clip(top: int, width: int, height: int) -> Mapping[str, Any]:
    part = {"x": 0, "y": top, "width": width, "height": max(1, min(_TILE, height - top)), "scale": 1}
    return {"format": "png", "clip": part, "captureBeyondViewport": True}
