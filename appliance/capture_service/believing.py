"""Whether what the service says can be a capture of what was ordered; nothing in it is opened."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from string import Formatter
from typing import Any, Final

from appliance.language import chinese_messages
from appliance.web_capture.capturing import Capture
from appliance.web_capture.live_view import LARGEST_PICTURE, LONGEST_SHOWN, LivePicture
from appliance.web_capture.model import CaptureFailed, CaptureLimits, CaptureOrder
from appliance.web_capture.tab import SCREEN, WIDTH

_WIDEST: Final = 5_120
"""Pixels of a page's picture."""
_LONGEST_TEXT: Final = 4_000_000
"""Characters of a page's text."""
_LONGEST_WORD: Final = 4_000
"""Characters of a title, and of the browser's name."""
MOST_NUMBER: Final = 2**53 - 1
"""What every store and format here takes."""
_OWN: Final = frozenset({"template", "self"})
"""Names that are no values of a refusal."""
_LONGEST_ADDRESS: Final = 2_100_000
"""Characters: a page may be at an address that contains it (RFC 2397), which browsers take up to 2 MB of."""

_GZIP: Final = b"\x1f\x8b\x08"
"""RFC 1952, 2.3.1."""
_ZIP: Final = b"PK\x03\x04"
_PDF: Final = b"%PDF-"
_PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
"""The signature, and the head of the first chunk (W3C PNG, 5.2, 11.2.1), which says the size."""
_SIZE: Final = struct.Struct(">II")
_JPEG: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_MARKER: Final = 0xFF
_FRAME: Final = b"\xc0"
_SCAN: Final = b"\xda"
_HEAD: Final = b"\xe0"
_SEGMENTS: Final = (_HEAD, b"\xdb", b"\xc4", _FRAME, _SCAN)
"""JFIF's head, tables for quantization and Huffman coding, the frame, the scan (T.81, table B.1)."""
_JFIF: Final = re.compile(rb"\x00\x10JFIF\x00.{7}\x00\x00", re.DOTALL)
"""The head as browsers write it, without a small picture of its own (ITU-T T.871, 10.1): after that there is room
for nothing else."""
_LARGEST_HEADER: Final = 64 * 1024
"""Bytes before a scan's own; its tables have less than one."""
_SHORTEST_SEGMENT: Final = 2
_VIEW: Final = struct.pack(">BHH", 8, SCREEN, WIDTH)
"""What a frame says first: bits of a sample, lines, samples of a line (T.81, B.2.2)."""
_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""A marker that ends a scan."""


class Unbelievable(Exception):
    """It is in its form, and no capture of what was ordered; one short English phrase."""


def require_believable(
    whole: Capture, order: CaptureOrder, limits: CaptureLimits, *, since: datetime, until: datetime
) -> None:
    """Raises :class:`Unbelievable` unless *whole* can be a capture by *order* that was made between *since* and
    *until*."""
    if whole.address != order.address:
        raise Unbelievable("it is of another address")
    _require_times(whole, since, until)
    visit = whole.visit
    addresses = len(visit.address), len(visit.loaded_address)
    if len(visit.text) > _LONGEST_TEXT or max(addresses) > _LONGEST_ADDRESS:
        raise Unbelievable("its text is too long")
    if max(map(len, (visit.title, visit.error, visit.product, whole.browser_package))) > _LONGEST_WORD:
        raise Unbelievable("one of its words is too long")
    traffic = whole.traffic
    numbers = traffic.requests, traffic.received, traffic.refused_in_all, traffic.cut_in_all, visit.height
    if min(numbers) < 0 or max(numbers) > MOST_NUMBER or visit.height > limits.height:
        raise Unbelievable("a number is out of its domain")
    for name, octets, head in (
        ("WARC", whole.warc, _GZIP),
        ("WACZ", whole.wacz, _ZIP),
        ("PDF", visit.pdf, _PDF),
        ("picture", visit.picture, _PNG),
    ):
        if not octets.startswith(head):
            raise Unbelievable(f"its {name} is none")
    _require_size(visit.picture, limits)
    _require_session(whole, order, limits)
    _require_log_in(whole, order, since)


def believable_picture(picture: LivePicture) -> LivePicture:
    """*picture* with its words on one line each, if it is a JPEG of the view and nothing else. Raises
    :class:`Unbelievable`."""
    numbers = picture.number, picture.seconds_left
    if min(numbers) < 0 or max(numbers) > MOST_NUMBER or (picture.width, picture.height) != (WIDTH, SCREEN):
        raise Unbelievable("a number is out of its domain")
    if len(picture.jpeg) > LARGEST_PICTURE or not _is_plain_jpeg(picture.jpeg):
        raise Unbelievable("its picture is too large, or none")
    if max(len(picture.address), len(picture.title)) > LONGEST_SHOWN:
        raise Unbelievable("one of its words is too long")
    address, title = (str(_on_one_line(each)) for each in (picture.address, picture.title))
    return replace(picture, address=address, title=title)


def _is_plain_jpeg(octets: bytes) -> bool:
    """Whether it is one baseline picture of the view's size as browsers encode it (ITU-T T.81, B.1.1): JFIF's
    head, tables, one frame, one scan, and its end; nothing that other programs would read in it, such as comments
    and profiles."""
    at, seen = 2, b""
    while octets.startswith(_JPEG) and at + 9 < len(octets) and octets[at] == _MARKER:
        kind, length = octets[at + 1 : at + 2], int.from_bytes(octets[at + 2 : at + 4])
        seen += kind
        if kind == _FRAME and octets[at + 4 : at + 9] != _VIEW:
            return False
        if kind == _HEAD and (at != len(_JPEG) or not _JFIF.match(octets, at + 2)):
            return False
        at += 2 + length
        if kind not in _SEGMENTS or length < _SHORTEST_SEGMENT or at > _LARGEST_HEADER:
            return False
        if kind == _SCAN:
            scan = octets[at:-2]
            return seen.count(_FRAME) == 1 and octets.endswith(_END) and not _IN_SCAN.search(scan)
    return False


def believable_refusal(template: str, values: Mapping[Any, Any]) -> CaptureFailed:
    """The engine's refusal with this sentence and these values, each on one line. Raises :class:`Unbelievable` for
    a sentence that the catalogue does not have, and for values that do not fit into it."""
    if template not in chinese_messages() or {name for _, name, _, _ in Formatter().parse(template) if name} != {
        *values
    }:
        raise Unbelievable("its sentence is none")
    if not all(map(_is_value, values.values())) or not _OWN.isdisjoint(values):
        raise Unbelievable("a value of its sentence is none")
    return CaptureFailed(template, **{name: _on_one_line(each) for name, each in values.items()})


def _is_value(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= MOST_NUMBER
    return type(value) is str and len(value) <= _LONGEST_WORD


def _on_one_line(value: int | str) -> int | str:
    return value if isinstance(value, int) else "".join(each if each.isprintable() else " " for each in value)


def _require_times(whole: Capture, since: datetime, until: datetime) -> None:
    if whole.began.tzinfo is None or whole.ended.tzinfo is None:
        raise Unbelievable("a time has no zone")
    if not since <= whole.began <= whole.ended <= until:
        raise Unbelievable("it was made at another time")


def _require_log_in(whole: Capture, order: CaptureOrder, since: datetime) -> None:
    made = whole.log_in
    if (made is not None) != order.log_in:
        raise Unbelievable("nobody logged in, or somebody did")
    if made is None:
        return
    if made.began.tzinfo is None or made.ended.tzinfo is None:
        raise Unbelievable("a time has no zone")
    if not since <= made.began <= made.ended <= whole.began:
        raise Unbelievable("it was made at another time")
    if not 0 <= made.requests <= MOST_NUMBER or max(map(len, made.hosts), default=0) > _LONGEST_WORD:
        raise Unbelievable("a number is out of its domain")


def _require_session(whole: Capture, order: CaptureOrder, limits: CaptureLimits) -> None:
    if tuple(each.step for each in whole.steps) != order.steps:
        raise Unbelievable("its steps are others")
    for each in whole.steps:
        if each.picture:
            _require_size(each.picture, limits)
        if each.at.tzinfo is None or len(each.address) > _LONGEST_ADDRESS or len(each.note) > _LONGEST_WORD:
            raise Unbelievable("what it says of a step is out of its domain")
    head, kind = whole.session[:4], whole.session[8:12]
    if whole.session and (head, kind) != (b"RIFF", b"WEBP"):
        raise Unbelievable("its recorded screen is none")
    if any(each.tzinfo is None for each in whole.frames):
        raise Unbelievable("a time has no zone")


def _require_size(picture: bytes, limits: CaptureLimits) -> None:
    """A picture says how large it is before anybody unpacks it."""
    end = len(_PNG) + _SIZE.size
    fits = len(picture) >= end and picture.startswith(_PNG)
    width, height = _SIZE.unpack(picture[len(_PNG) : end]) if fits else (0, 0)
    if not (0 < width <= _WIDEST and 0 < height <= limits.height):
        raise Unbelievable("its picture is too large, or none")
