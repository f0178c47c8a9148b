"""What client and program say to each other: CBOR frames (:mod:`appliance.confinement.frames`), one request each.

A request is ``{"kind": ..., "order": ...}``, see :class:`CaptureTask`. The answer is a row of frames, each a map
with one entry that says what it is, see :class:`CaptureFrame`. What is large in a capture follows its frame as
octets, part after part: :func:`taken_apart`, :func:`put_together`. While somebody logs in by hand, and only then,
the client says more, see :class:`LiveRequest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from appliance.config import CaptureSettings
from appliance.language.sizes import MEGABYTE
from appliance.web_capture.model import CaptureLimits, CaptureOrder

LARGEST_REQUEST: Final = 256 * 1024
"""Bytes: an address, and the steps of a recorded session."""
LARGEST_ACT: Final = 64 * 1024
"""Bytes of what the client says while somebody logs in."""
LARGEST_FRAME: Final = 32 * MEGABYTE
"""Bytes. The longest has a page's text, and a row for each request."""
MOST_PARTS: Final = 64
_SMALL: Final = 64 * 1024
"""Bytes: octets up to here stay in the frame."""
_RESPONSE: Final = 64 * MEGABYTE
_PART: Final = "part of the octets"
"""No host, which keys of maps are too, has blanks."""

SECONDS_BESIDE: Final = 360.0
"""What a capture may take beside the time for loading: starting the browser, the steps of a session (a minute),
putting pictures together (twice two minutes), PDF and packing."""


class CaptureTask(StrEnum):
    """What is asked for."""

    CAPTURE = "capture"
    """A capture by ``order`` (:class:`CaptureOrder`). Answer: PROGRESS frames, then one CAPTURE frame."""
    CHECK = "check"
    """Whether captures could be made; ``order`` is null. Answer: one READY frame."""


class LiveRequest(StrEnum):
    """What a frame of the client's is once it has ordered a capture with a log-in by hand: the only key of its
    map. Whoever gives up hangs up."""

    LOOK = "look"
    """True: one PICTURE frame is wanted, once there is one that is newer than the last."""
    ACT = "act"
    """A list of actions (:func:`appliance.web_capture.live_view.encode_actions`)."""
    PROCEED = "proceed"
    """True: they are logged in, and the capture begins. The last frame."""


class CaptureFrame(StrEnum):
    """What a frame of an answer is: the only key of its map."""

    PROGRESS = "progress"
    """A map with the fields of CaptureProgress."""
    PICTURE = "picture"
    """A map with the fields of LivePicture, while somebody logs in."""
    CAPTURE = "capture"
    """A list: the fields of Capture without large octets, and an :class:`OctetsPart` for each that follows."""
    READY = "ready"
    """A map with the fields of :class:`CaptureMeans`."""
    REFUSED = "refused"
    """The end of what is no capture: ``template`` and ``values`` of a sentence (:class:`CaptureFailed`)."""
    FAILED = "failed"
    """The end of what is no answer: a map of ``fault`` and ``why``."""


class CaptureFault(StrEnum):
    """Why the service made no capture, whatever the page is."""

    UNSET = "unset"
    """The settings allow no captures, or they or the secret cannot be read."""
    PROGRAM = "program"
    """``vermilion-capture`` does not run, takes no more at once, or ended early, for want of memory perhaps."""
    LATE = "late"
    UNBELIEVABLE = "unbelievable"
    """The answer is no capture of what was ordered: a program that a page took over may say anything."""


class CaptureNotMade(Exception):
    """The program's way to say that it has no answer; *why* is one short English phrase, without secrets."""

    def __init__(self, fault: CaptureFault, why: str) -> None:
        super().__init__(why)
        self.fault = fault
        self.why = why


@dataclass(frozen=True, slots=True)
class CaptureMeans:
    """What captures are made with here: the browser and its release, as it says them (``HeadlessChrome/150``)."""

    product: str


@dataclass(frozen=True, slots=True)
class OctetsPart:
    """Octets that follow a frame: their number, and their SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


def seconds_for(order: CaptureOrder | None, settings: CaptureSettings) -> float:
    """How long the program may take for *order*; without one, for a check."""
    if order is None:
        return 30.0
    return settings.seconds + SECONDS_BESIDE + (settings.live_seconds if order.log_in else 0)


def limits_of(settings: CaptureSettings) -> CaptureLimits:
    """What one capture may take."""
    most = settings.megabytes * MEGABYTE
    return CaptureLimits(
        seconds=float(settings.seconds),
        bytes=most,
        response=min(_RESPONSE, most),
        requests=settings.requests,
        height=settings.height,
        log_in=float(settings.live_seconds),
    )


def taken_apart(plain: Any, parts: list[bytes]) -> Any:
    """*plain* with its large octets in *parts*, and in their place a map that has their number there."""
    match plain:
        case bytes() if len(plain) > _SMALL:
            parts.append(plain)
            return {_PART: len(parts) - 1}
        case dict():
            return {name: taken_apart(each, parts) for name, each in plain.items()}
        case list():
            return [taken_apart(each, parts) for each in plain]
    return plain


def put_together(plain: Any, parts: Sequence[bytes]) -> Any:
    """What :func:`taken_apart` was given. Raises ValueError for a part that is not there."""
    match plain:
        case dict() if plain.keys() == {_PART}:
            number = plain[_PART]
            if type(number) is not int or not 0 <= number < len(parts):
                raise ValueError("no such part")
            return parts[number]
        case dict():
            return {name: put_together(each, parts) for name, each in plain.items()}
        case list():
            return [put_together(each, parts) for each in plain]
    return plain
