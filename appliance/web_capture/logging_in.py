"""Somebody logs in by hand before the address is captured: they see the page live, and their mouse and keys are
the browser's.

Nothing of this is evidence, and nothing that passes is recorded: passwords are in it. Once they say that they are
logged in, the page is left, and what the browser keeps of it is thrown away, but for what makes the log-in
(cookies and the sites' own storage). So the visit that follows gets all that it shows from servers, and the record
has it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from appliance.web_capture.devtools import BrowserRefused
from appliance.web_capture.live_view import (
    KEYS,
    LONGEST_SHOWN,
    Back,
    Key,
    LiveAction,
    LiveHand,
    LivePicture,
    Motion,
    MouseButton,
    Pointer,
    TypedText,
    Wheel,
)
from appliance.web_capture.model import CaptureFailed
from appliance.web_capture.screen_recording import LiveScreen
from appliance.web_capture.tab import SCREEN, WIDTH, Tab

_TURN: Final = 0.03
"""Seconds from one look at what was done to the next."""
_STILL: Final = 0.5
"""Seconds after a picture in which none came: the browser may have left the last change out, and is asked anew."""
UNATTENDED: Final = 60.0
"""Seconds without anybody who looks or does anything: the place is the next one's then."""
_FAREWELL: Final = 10.0
"""Seconds for a page to end, and for what it sends as it does."""
_UNFIT: Final = "The browser did not do what a log-in by hand needs; nothing was kept."
_KEPT_BY_SITES: Final = "service_workers,cache_storage"
"""What answers in place of a server."""
_BUTTONS: Final = {MouseButton.NONE: 0, MouseButton.LEFT: 1, MouseButton.RIGHT: 2, MouseButton.MIDDLE: 4}
_TWICE: Final = 0.5
"""Seconds within which two clicks at one place are a double click."""
_WRITES: Final = 2 | 1 | 4
"""Modifiers with which a letter is none: control, alt, meta."""


class LogInByHand:
    """Lets *hand* log in on *tab* for at most so many *seconds*."""

    def __init__(self, tab: Tab, hand: LiveHand, seconds: float) -> None:
        self._tab, self._hand, self._seconds = tab, hand, seconds
        self._deadline = time.monotonic() + seconds
        self._attended = time.monotonic()
        self._screen = LiveScreen()
        self._shown = self._number = 0
        self._heading, self._next = ("", ""), 0.0
        self._pressed = MouseButton.NONE
        self._clicked: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def run(self, address: str) -> None:
        """Opens *address*, and returns once they are logged in; the tab is empty then. Raises as :class:`Tab`, and
        :class:`CaptureFailed` where the time is over or nobody is there."""
        try:
            with self._tab.live(self._screen):
                self._tab.tell("Page.navigate", {"url": address})
                self._film()
                while not self._hand.proceeds:
                    self._turn()
                self._take_actions()
                self._tab.settle(time.monotonic() + _FAREWELL)  # a form that was sent just now is answered
                self._forget()
        except BrowserRefused:  # whose words could be those that were typed
            raise CaptureFailed(_UNFIT) from None

    def _turn(self) -> None:
        self._require_time()
        self._take_actions()
        self._show()
        self._tab.wait(_TURN)

    def _take_actions(self) -> None:
        for each in self._hand.actions():
            self._attended = time.monotonic()
            self._do(each)

    def _require_time(self) -> None:
        now = time.monotonic()
        if now >= self._deadline:
            raise CaptureFailed(
                "Nobody was logged in before the time was over ({minutes} min), so nothing was captured; order it"
                " again.",
                minutes=round(self._seconds / 60),
            )
        if now - self._attended >= UNATTENDED:
            raise CaptureFailed(
                "Nobody was at the log-in for {minutes} min, so nothing was captured; order it again.",
                minutes=round(UNATTENDED / 60),
            )

    def _film(self) -> None:
        self._tab.tell("Page.stopScreencast")
        size = {"maxWidth": WIDTH, "maxHeight": SCREEN}
        self._tab.tell("Page.startScreencast", {"format": "jpeg", "quality": 70, **size})

    def _show(self) -> None:
        screen, now = self._screen, time.monotonic()
        if not screen.is_sure and screen.latest and now - screen.since >= _STILL:
            screen.is_sure = True
            self._film()
        if not self._hand.looks:
            return
        self._attended = now
        if not screen.latest or (screen.number == self._shown and now < self._next):
            return
        self._next = now + _STILL
        address, title = (each[:LONGEST_SHOWN] for each in self._tab.heading())
        if screen.number == self._shown and (address, title) == self._heading:
            return
        self._shown, self._heading, self._number = screen.number, (address, title), self._number + 1
        left = max(0, round(self._deadline - now))
        self._hand.show(LivePicture(self._number, screen.latest, WIDTH, SCREEN, address, title, left))

    def _do(self, action: LiveAction) -> None:
        """Hands it to the browser, and waits for no answer: a page may be busy, and nothing that the browser says
        of what was typed goes anywhere."""
        match action:
            case Pointer():
                self._point(action)
            case Wheel(x=x, y=y, dx=dx, dy=dy):
                self._mouse("mouseWheel", x, y, {"deltaX": dx, "deltaY": dy})
            case Key():
                self._tab.tell("Input.dispatchKeyEvent", _key_event(action))
            case TypedText(text=text):
                self._tab.tell("Input.insertText", {"text": text})
            case Back():
                self._go_back()

    def _mouse(self, kind: str, x: float, y: float, more: Mapping[str, Any]) -> None:
        self._tab.tell("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def _point(self, action: Pointer) -> None:
        x, y = action.x, action.y
        if action.kind is Motion.MOVE:
            held = {"button": self._pressed.value, "buttons": _BUTTONS[self._pressed]}
            self._mouse("mouseMoved", x, y, held)
            return
        is_press, now = action.kind is Motion.PRESS, time.monotonic()
        at, left, top = self._clicked
        again = now - at <= _TWICE and abs(left - x) <= 4 and abs(top - y) <= 4
        self._pressed = action.button if is_press else MouseButton.NONE
        if not is_press:
            self._clicked = (now, x, y)
        told = {"button": action.button.value, "buttons": _BUTTONS[self._pressed], "clickCount": 1 + again}
        self._mouse("mousePressed" if is_press else "mouseReleased", x, y, told)

    def _go_back(self) -> None:
        with suppress(BrowserRefused, LookupError, TypeError):
            told = self._tab.ask("Page.getNavigationHistory")
            before = told["entries"][int(told["currentIndex"]) - 1] if int(told["currentIndex"]) > 0 else None
            if before is not None:
                self._tab.tell("Page.navigateToHistoryEntry", {"entryId": before["id"]})

    def _forget(self) -> None:
        """Leaves the page, throws away what would be shown without a server (the browser's caches, and what sites
        have put between themselves and their servers), and ends what still runs."""
        self._tab.ask("Page.stopScreencast")
        self._tab.ask("Page.navigate", {"url": "about:blank"})
        self._tab.settle(time.monotonic() + _FAREWELL)  # what the page sends as it is left, passes
        self._tab.ask("Page.resetNavigationHistory")
        self._tab.ask("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": _KEPT_BY_SITES})
        self._tab.ask("Network.clearBrowserCache")
        deadline = time.monotonic() + _FAREWELL
        while not self._tab.is_alone():  # else it would go on in the recording
            if time.monotonic() >= deadline:
                raise CaptureFailed(_UNFIT)
            self._tab.wait(_TURN)


def _key_event(action: Key) -> Mapping[str, Any]:
    """As Input.dispatchKeyEvent takes it; a letter without control writes itself."""
    letter = len(action.key) == 1 and not action.modifiers & _WRITES
    text = "\r" if action.key == "Enter" else action.key if letter else ""
    plain = len(action.key) == 1 and action.key.isascii() and (action.key.isalnum() or action.key == " ")
    number = ord(action.key.upper()) if plain else KEYS.get(action.key, 0)
    kind = "keyUp" if action.kind is Motion.RELEASE else "keyDown" if text else "rawKeyDown"
    told = {"type": kind, "key": action.key, "code": action.code, "modifiers": action.modifiers}
    written = {"text": text, "unmodifiedText": text} if text and kind == "keyDown" else {}
    return {**told, "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number, **written}
