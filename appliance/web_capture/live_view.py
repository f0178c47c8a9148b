"""What somebody sees and does who logs in by hand before a capture: values with their bounds, no I/O.

What is typed is in no representation of these values, so that no log or error has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from appliance.confinement import frames
from appliance.language.sizes import MEGABYTE
from appliance.web_capture.tab import SCREEN, WIDTH

LARGEST_PICTURE: Final = 2 * MEGABYTE
"""Bytes of one picture."""
LONGEST_TYPED: Final = 200
"""Characters of one text."""
MOST_ACTIONS: Final = 64
"""Handed over at once."""
LONGEST_SHOWN: Final = 300
"""Characters of a title or an address beside the picture."""
_FARTHEST: Final = 10_000.0
"""Pixels that one turn of a wheel scrolls."""
_CODE: Final = re.compile(r"[A-Za-z0-9]{0,32}")
KEYS: Final = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Shift": 16, "Control": 17, "Alt": 18, "Escape": 27, "PageUp": 33,
    "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    "Delete": 46,
}  # fmt: skip
"""Keys that are no single letter (UI Events, KeyboardEvent.key), each with the number that Windows gives it."""


class Motion(StrEnum):
    """What a button of the mouse or a key does; only the mouse moves."""

    MOVE = "move"
    PRESS = "press"
    RELEASE = "release"


class MouseButton(StrEnum):
    """A button of the mouse; none while it only moves."""

    NONE = "none"
    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Pointer:
    """The mouse at a place of the view, in CSS pixels from its upper left corner."""

    kind: Motion
    x: float
    y: float
    button: MouseButton = MouseButton.NONE


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned at a place of the view; ``dx``, ``dy`` in CSS pixels, downwards positive."""

    x: float
    y: float
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Key:
    """A key: ``key`` and ``code`` as browsers call them (UI Events), ``modifiers`` the sum of 1 (alt), 2
    (control), 4 (meta) and 8 (shift)."""

    kind: Motion
    key: str = field(repr=False)
    code: str = field(default="", repr=False)
    modifiers: int = 0


@dataclass(frozen=True, slots=True)
class TypedText:
    """Text put in at once, as by an input method or from a clipboard."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Back:
    """To the page before."""


LiveAction = Pointer | Wheel | Key | TypedText | Back
_KINDS: Final[dict[str, type[LiveAction]]] = {
    each.__name__.lower(): each for each in (Pointer, Wheel, Key, TypedText, Back)
}


@dataclass(frozen=True, slots=True)
class LivePicture:
    """The page as it is seen now. ``number`` grows with each picture; ``width`` and ``height`` are CSS pixels of
    the view, the unit of the mouse's places; ``address`` and ``title`` are a stranger's words. ``seconds_left``
    until the log-in ends by itself."""

    number: int
    jpeg: bytes = field(repr=False)
    width: int
    height: int
    address: str
    title: str
    seconds_left: int


class LiveHand(Protocol):
    """Whoever logs in, seen from the browser's side; each call returns at once."""

    @property
    def proceeds(self) -> bool:
        """Whether they are logged in, and the capture begins."""

    @property
    def looks(self) -> bool:
        """Whether they wait for a picture."""

    def actions(self) -> Sequence[LiveAction]:
        """What they did since this was asked last."""

    def show(self, picture: LivePicture) -> None:
        """Shows them what they wait for."""


def encode_actions(actions: Sequence[LiveAction]) -> list[Any]:
    """*actions* as plain values. Raises ValueError as :func:`decode_actions`."""
    return [[type(each).__name__.lower(), frames.encode(_bounded(each))] for each in _few(actions)]


def decode_actions(plain: Any) -> list[LiveAction]:
    """The actions in *plain*. Raises ValueError, without a word of them, for what is none."""
    try:
        return [_bounded(frames.decode(_KINDS[name], values)) for name, values in _few(plain)]
    except (ValueError, TypeError, KeyError):
        raise ValueError("no actions") from None  # what they were may be what somebody typed


def _few(actions: Any) -> Any:
    if len(actions) > MOST_ACTIONS:
        raise ValueError("too many actions at once")
    return actions


def _bounded(action: LiveAction) -> LiveAction:
    """*action*, if somebody in front of the view can have done it. Raises ValueError."""
    match action:
        case Pointer(x=x, y=y):
            fits = _is_on_screen(x, y)
        case Wheel(x=x, y=y, dx=dx, dy=dy):
            fits = _is_on_screen(x, y) and -_FARTHEST <= dx <= _FARTHEST and -_FARTHEST <= dy <= _FARTHEST
        case Key(kind=kind, key=key, code=code, modifiers=modifiers):
            known = key in KEYS or (len(key) == 1 and key.isprintable())
            fits = kind is not Motion.MOVE and known and bool(_CODE.fullmatch(code)) and 0 <= modifiers < 16
        case TypedText(text=text):
            fits = 0 < len(text) <= LONGEST_TYPED and text.isprintable()
        case _:
            fits = True
    if not fits:
        raise ValueError("no action")
    return action


def _is_on_screen(x: float, y: float) -> bool:
    return 0 <= x < WIDTH and 0 <= y < SCREEN
