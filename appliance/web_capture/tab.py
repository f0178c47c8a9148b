"""The one tab of a capture's browser: what is asked of it, and what the page wants that it does not get."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from appliance.web_capture.devtools import DevTools, Event
from appliance.web_capture.model import CaptureFailed
from appliance.web_capture.reporting import CaptureReporting
from appliance.web_capture.screen_recording import ScreenRecording

WIDTH: Final = 1280
SCREEN: Final = 900
"""Pixels of the window."""
QUIET: Final = 0.8
"""Seconds without a request after which a page counts as loaded."""
TICK: Final = 0.1


class Tab:
    """A new tab; *idle_since* says since when nothing passes through the proxy. Everything raises
    :class:`CaptureFailed` and :class:`appliance.web_capture.devtools.BrowserGone`.

    Dialogs and downloads are refused, and windows that the page opens are closed; ``wanted`` are words for them.
    ``left``: another page was opened in this tab since that was last set to False; ``loaded``: the address of the
    one that was opened last, without a fragment.
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
        self.wanted: list[str] = []
        self.left = False
        self.loaded = ""
        tools.ask("Browser.setDownloadBehavior", {"behavior": "deny", "eventsEnabled": True})
        made = tools.ask("Target.createTarget", {"url": "about:blank", "width": WIDTH, "height": SCREEN})
        self._target = str(made["targetId"])
        attached = tools.ask("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self._session = str(attached["sessionId"])
        tools.urgent = self._closes
        tools.ask("Target.setDiscoverTargets", {"discover": True})
        self.ask("Page.enable")

    def ask(
        self, method: str, parameters: Mapping[str, Any] | None = None, *, seconds: float = 20.0
    ) -> Mapping[str, Any]:
        """What DevTools answers for this tab."""
        return self._tools.ask(method, parameters, session=self._session, seconds=seconds)

    def octets(self, method: str, parameters: Mapping[str, Any], *, seconds: float = 30.0) -> bytes:
        """What an answer has as ``data``."""
        return _octets(self.ask(method, parameters, seconds=seconds))

    def value(self, expression: str) -> Any:
        """What *expression* is in a world of its own, which the page's scripts cannot change; None if it fails."""
        tree = self.ask("Page.getFrameTree")
        world = self.ask(
            "Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "capture"}
        )
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

    def settle(self, deadline: float) -> bool:
        """Whether the page is loaded and quiet before *deadline* (``time.monotonic``)."""
        while time.monotonic() < deadline:
            self.wait(TICK)
            idle = self._idle_since()
            quiet = idle is not None and (self.clock() - idle).total_seconds() >= QUIET
            if quiet and self.value("document.readyState") == "complete":
                return True
        return False

    def _closes(self, event: Event) -> bool:
        """Whether *event* is a dialog, which is closed at once: until then the page answers nothing."""
        if event["method"] != "Page.javascriptDialogOpening":
            return False
        self._want("dialog")
        self._tools.tell("Page.handleJavaScriptDialog", {"accept": False}, session=self._session)
        return True

    def _take(self, event: Event) -> None:
        method, told = event["method"], event.get("params", {})
        if method == "Target.targetCreated":
            target = told["targetInfo"]
            if target.get("type") == "page" and target.get("targetId") != self._target:
                self._want("window")
                self._tools.ask("Target.closeTarget", {"targetId": target["targetId"]})
        elif method == "Browser.downloadWillBegin":
            self._want("download")
        elif method == "Page.frameNavigated" and "parentId" not in told["frame"]:
            self.left = True
            self.loaded = _text(told["frame"].get("url"))
        elif method == "Page.screencastFrame":
            self.recording.take(_octets(told), int(told["sessionId"]))

    def _release(self) -> None:
        """Asks for the next picture of the recording, where it is time for one."""
        for number in self.recording.due():
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
