"""The one tab of a capture's browser: what is asked of it, and what the page wants that it does not get."""

from __future__ import annotations

import base64
import math
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from appliance.web_capture.devtools import BrowserBusy, BrowserGone, BrowserRefused, DevTools, Event
from appliance.web_capture.frames import Frames
from appliance.web_capture.model import CaptureFailed
from appliance.web_capture.reporting import CaptureReporting
from appliance.web_capture.screen_recording import LiveScreen, ScreenRecording

WIDTH: Final = 1280
SCREEN: Final = 900
"""Pixels of the window."""
_SIZE: Final = {"width": WIDTH, "height": SCREEN}
_FRAME: Final = b"\xff\xc0\x00\x11" + struct.pack(">BHH", 8, SCREEN, WIDTH)
"""What a JPEG of the window says of its size (ITU-T T.81, B.2.2), among its first octets."""
_HEAD: Final = 2_000
QUIET: Final = 0.8
"""Seconds without a request after which a page counts as loaded."""
TICK: Final = 0.1
_PATIENCE: Final = 20.0
"""Seconds for a page that is busy."""
_LOOKS: Final = 3
"""How often a page is looked at that goes on to another one meanwhile."""

T = TypeVar("T")

_OF_BROWSER: Final = ("chrome:", "chrome-extension:", "devtools:")
"""Where no site leads: Chromium with windows has pages and workers of its own."""


class Tab:
    """A new tab; *idle_since* says since when nothing passes through the proxy. Everything raises
    :class:`CaptureFailed` and :class:`appliance.web_capture.devtools.BrowserGone`.

    Dialogs and downloads are refused, and windows that the page opens are closed; ``wanted`` are words for them.
    ``left``: another page was opened in this tab since that was last set to False; ``loaded``: the address of the
    one that was opened last, without a fragment; ``moves``: how often it became another.
    """

    def __init__(
        self,
        tools: DevTools,
        idle_since: Callable[[], datetime | None],
        clock: Callable[[], datetime],
        reporting: CaptureReporting,
    ) -> None:
        self._tools = tools
        self._idle_since = idle_since
        self.clock = clock
        self._reporting = reporting
        self.recording = ScreenRecording(clock)
        self._screen: ScreenRecording | LiveScreen = self.recording
        self.wanted: list[str] = []
        self.left = False
        self.loaded = ""
        self.moves = 0
        self._is_live = False
        self._held = False
        tools.ask("Browser.setDownloadBehavior", {"behavior": "deny", "eventsEnabled": True})
        made = tools.ask("Target.createTarget", {"url": "about:blank", "width": WIDTH, "height": SCREEN})
        self._target = str(made["targetId"])
        attached = tools.ask("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self._session = str(attached["sessionId"])
        self._window = tools.ask("Browser.getWindowForTarget", {"targetId": self._target})["windowId"]
        self.frames = Frames(tools, self._session, self._target)
        tools.urgent = self._take_at_once
        tools.ask("Target.setDiscoverTargets", {"discover": True})
        self.ask("Page.enable")
        # Chromium without a window lets any page choose its size (resizeTo), which no tab of a visitor's does.
        view = {**_SIZE, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", view)

    def ask(
        self, method: str, parameters: Mapping[str, Any] | None = None, *, seconds: float = 20.0
    ) -> Mapping[str, Any]:
        """What DevTools answers for this tab."""
        return self._tools.ask(method, parameters, session=self._session, seconds=seconds)

    def tell(self, method: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Asks for *method* without waiting for what comes of it."""
        self._tools.tell(method, parameters, session=self._session)

    @contextmanager
    def live(self, screen: LiveScreen) -> Iterator[None]:
        """Within it the tab is somebody's who sees it by *screen*: a page that asks whether it may be left is
        left. Afterwards it is as new."""
        self._screen, self._is_live = screen, True
        yield
        self._screen, self._is_live = self.recording, False
        self.wanted, self.left = [], False
        self.frames.made.clear()

    def heading(self) -> tuple[str, str]:
        """Address and title that a browser shows above the page; the page is not asked, which may be busy."""
        told = self._tools.ask("Target.getTargetInfo", {"targetId": self._target})["targetInfo"]
        return _text(told.get("url")), _text(told.get("title"))

    def is_alone(self) -> bool:
        """Whether the browser runs nothing of any site but this tab, and that is empty. What else runs is told to
        end: a shared worker may outlive its page (``extendedLifetime``)."""
        running = self._tools.ask("Target.getTargets")["targetInfos"]
        of_sites = [each for each in running if not _text(each.get("url")).startswith(_OF_BROWSER)]
        others = [str(each["targetId"]) for each in of_sites if each["targetId"] != self._target]
        for each in others:
            with suppress(BrowserRefused):  # it has ended meanwhile
                self._tools.ask("Target.closeTarget", {"targetId": each})
        return not others and self.heading()[0] == "about:blank"

    def octets(self, method: str, parameters: Mapping[str, Any], *, seconds: float = 30.0) -> bytes:
        """What an answer has as ``data``."""
        return _octets(self.ask(method, parameters, seconds=seconds))

    def value(self, expression: str) -> Any:
        """What *expression* is in a world of its own, which the page's scripts cannot change; None if it fails. A
        page that goes on to another one meanwhile is asked again."""
        deadline = min(time.monotonic() + _PATIENCE, self._tools.until)
        while time.monotonic() + _PATIENCE / 4 < deadline:
            with suppress(BrowserRefused, BrowserGone):
                return self._evaluated(expression, self._world(_PATIENCE / 4))
            self.wait(TICK / 4)
        return self._evaluated(expression, self._world(_PATIENCE / 4))

    def _world(self, seconds: float) -> Mapping[str, Any]:
        """A world of scripts beside the page's own; Chromium forgets who asks for it while another page opens."""
        asked = {"frameId": self._target, "worldName": "capture"}  # a tab's first frame is called like the tab
        return self.ask("Page.createIsolatedWorld", asked, seconds=seconds)

    def _evaluated(self, expression: str, world: Mapping[str, Any]) -> Any:
        asked = {
            "expression": expression,
            "contextId": world["executionContextId"],
            "returnByValue": True,
        }
        return self.ask("Runtime.evaluate", asked).get("result", {}).get("value")

    def said(self, expression: str) -> str:
        """The same as text that can be written: scripts make halves of characters, which have no encoding."""
        return _text(self.value(expression))

    def wait(self, seconds: float) -> None:
        """Lets the page go on, at least for a moment."""
        deadline = time.monotonic() + seconds
        while True:
            self._reporting.tick()
            for event in self._tools.events(min(TICK, max(0.01, deadline - time.monotonic()))):
                self._take(event)
            self._release()
            if time.monotonic() >= deadline:
                return

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is asked of the page within it ends to be waited for after *seconds* (:class:`BrowserBusy`)."""
        self._tools.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._tools.until = math.inf

    def interrupt(self, *, for_good: bool = False) -> None:
        """Ends the script that runs now, where one does not end by itself; with *for_good* none runs any more."""
        self.frames.interrupt()
        if for_good:
            self._tools.tell("Emulation.setScriptExecutionDisabled", {"value": True}, session=self._session)
        with suppress(BrowserBusy, BrowserRefused), self.within(_PATIENCE / 4):
            self.value("0")  # where none ran, it is this one that ends

    def hold(self) -> None:
        """From now on the page stays as it is: its scripts run no more, and it goes nowhere else. So text, picture
        and PDF are of one moment, and no page escapes by reloading itself or by being busy when it is printed."""
        if self._held:
            return
        self._held = True
        self.ask("Fetch.enable", {"patterns": [{"urlPattern": "*", "resourceType": "Document"}]})
        self.ask("Emulation.setScriptExecutionDisabled", {"value": True})
        self.frames.hold()
        self.settle(time.monotonic() + 2 * QUIET)

    def settle(self, deadline: float) -> bool:
        """Whether the page is loaded and quiet before *deadline* (``time.monotonic``)."""
        while time.monotonic() < deadline:
            self.wait(TICK)
            idle = self._idle_since()
            quiet = idle is not None and (self.clock() - idle).total_seconds() >= QUIET
            if quiet and self.value("document.readyState") == "complete":
                return True
        return False

    def of_one_page(self, look: Callable[[], T]) -> T:
        """What *look* gives, all of it of one page: a page that knows when it is looked at could go on to somebody
        else's just then, and have its own words told of that one's address. Raises :class:`CaptureFailed`."""
        for _ in range(_LOOKS):
            self.ask("Page.getFrameTree")  # what happened before is told before this is answered
            before = self.moves
            found = look()
            self.ask("Page.getFrameTree")
            if self.moves == before:
                return found
            self.settle(time.monotonic() + _PATIENCE / 4)
        raise CaptureFailed("The page went on to other addresses while it was looked at; nothing was kept.")

    def _take_at_once(self, event: Event) -> bool:
        """Whether *event* is one that cannot wait: a dialog, or another page to be opened once the page is held,
        which are refused, as until then the page answers nothing; or another page, of which everything now is."""
        if self.frames.take(event):
            return True
        if event["method"] == "Page.frameNavigated":
            self._note_page(event.get("params", {})["frame"])
            return True
        if event["method"] == "Fetch.requestPaused":  # once the page is held: what stays open would hold it up
            refused = {"requestId": event["params"]["requestId"], "errorReason": "Aborted"}
            self._tools.tell("Fetch.failRequest", refused, session=self.frames.of(event))
            return True
        if event["method"] != "Page.javascriptDialogOpening":
            return False
        self._want("dialog")
        leaves = self._is_live and event.get("params", {}).get("type") == "beforeunload"
        self._tools.tell("Page.handleJavaScriptDialog", {"accept": leaves}, session=self._session)
        return True

    def _note_page(self, frame: Mapping[str, Any]) -> None:
        if "parentId" in frame:
            return
        address = _text(frame.get("url"))
        self.left = True
        self.moves += address != self.loaded
        self.loaded = address

    def _take(self, event: Event) -> None:
        method, told = event["method"], event.get("params", {})
        if method == "Target.targetCreated":
            target = told["targetInfo"]
            if target.get("type") == "page" and target.get("targetId") != self._target:
                self._want("window")
                self._tools.ask("Target.closeTarget", {"targetId": target["targetId"]})
        elif method == "Browser.downloadWillBegin":
            self._want("download")
        elif method == "Page.screencastFrame":
            self._screen.take(self._of_view(_octets(told)), int(told["sessionId"]))

    def _of_view(self, picture: bytes) -> bytes:
        """*picture* (JPEG), or nothing while somebody looks at it and the page has made its window another one."""
        if not self._is_live or _FRAME in picture[:_HEAD]:
            return picture
        self._tools.tell("Browser.setWindowBounds", {"windowId": self._window, "bounds": _SIZE})
        return b""

    def _release(self) -> None:
        """Asks for the next picture of the recording, where it is time for one."""
        for number in self._screen.due():
            self.ask("Page.screencastFrameAck", {"sessionId": number})

    def _want(self, word: str) -> None:
        if word not in self.wanted:
            self.wanted.append(word)


def _text(value: Any) -> str:
    return str(value or "").encode("utf-8", "replace").decode()


def _octets(answer: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(answer["data"]), validate=True)
    except (KeyError, ValueError) as error:
        raise CaptureFailed("The browser gave no picture of the page.") from error
