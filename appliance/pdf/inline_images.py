"""Where a picture within a content stream ends (ISO 32000-2, 8.9.7): some programs unpack its data to find out,
others look for the operator EI. Both have to come to the same place."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

from appliance.pdf import content_tokens as tokens
from appliance.pdf.pages import page_objects

_LONG = {b"/W": b"/Width", b"/H": b"/Height", b"/BPC": b"/BitsPerComponent", b"/CS": b"/ColorSpace",
         b"/F": b"/Filter", b"/IM": b"/ImageMask", b"/D": b"/Decode", b"/DP": b"/DecodeParms",
         b"/I": b"/Interpolate", b"/L": b"/Length"}  # fmt: skip
_SHORT = {b"/G": b"/DeviceGray", b"/RGB": b"/DeviceRGB", b"/CMYK": b"/DeviceCMYK"}
_KNOWN = {*_LONG.values(), b"/Intent"}
_DEPTHS = (b"1", b"2", b"4", b"8")
_STRAIGHT = frozenset((*_SHORT, *_SHORT.values()))
_MAPPED = re.compile(
    rb"\[[\x00\t\n\x0c\r ]*(?:(?:0(?:\.0)?[\x00\t\n\x0c\r ]+1|1(?:\.0)?[\x00\t\n\x0c\r ]+0)(?:\.0)?"
    rb"(?:[\x00\t\n\x0c\r ]+|(?=\])))+\]"
)
_INDEXED = re.compile(rb"\[[\x00\t\n\x0c\r ]*/(?:I|Indexed)(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_BLANK = rb"[\x00\t\n\x0c\r ]*+"
_FILTER = rb"/(?:Fl|AHx|A85|LZW|RL|CCF|DCT|(?:Flate|ASCIIHex|ASCII85|LZW|RunLength|CCITTFax|DCT)Decode)"
_FILTERS = re.compile(_FILTER + rb"|\[" + _BLANK + rb"(?:" + _FILTER + _BLANK + rb")++\]")
_HEX = re.compile(rb"[0-9A-Fa-f\x00\t\n\x0c\r ]*+>")
_BASE_85 = re.compile(rb"[!-uz\x00\t\n\x0c\r ]*+~>")
"""Programs stop at other signs, or pass over them."""
_LARGEST = 1 << 26
_CHUNK = 1 << 12
_PATH = b"\n0 0 1 1 re f\n"
_BLANKS = b"\x00\t\n\x0c\r "


class NotPlain(ValueError):
    """Programs may draw this content differently."""


def end_of_image(content: bytes, place: int, resources: Any) -> tuple[int, bool, bool]:
    """Behind the picture whose operator BI ends at *place*, whether the end is known for all programs, else
    :func:`require_own_ends` tells, and whether it is a mask. Raises :class:`NotPlain`."""
    entries: dict[bytes, bytes] = {}
    place = tokens.SPACE.match(content, place).end()  # type: ignore[union-attr]  # it matches nothing, too
    while found := tokens.IMAGE_ENTRY.match(content, place):
        key = _LONG.get(found[1], found[1])
        if key in entries or key not in _KNOWN:
            raise NotPlain("entries of a picture")
        entries[key] = found[2]
        place = found.end()
    start = tokens.IMAGE_DATA.match(content, place)
    if start is None:
        raise NotPlain("a picture without data")
    begin = start.end()
    _require_plain_entries(entries)
    known = _end_of_data(content, begin, entries, resources)
    last = _end_by_mark(content, begin) if known is None else known
    end = tokens.IMAGE_END.search(content, max(begin - 1, last - 1))
    first = tokens.IMAGE_END.search(content, begin - 1)
    if end is None or first is None or end.start() != first.start() or content[last : end.start()].strip(_BLANKS):
        raise NotPlain("a picture with two ends")
    return end.end(), known is not None, entries.get(b"/ImageMask") == b"true"


def _require_plain_entries(entries: dict[bytes, bytes]) -> None:
    """What programs make the same of: bits and colours where they are needed, and no odd mapping of them."""
    mask = entries.get(b"/ImageMask") == b"true"
    own = b"CCF" in entries.get(b"/Filter", b"") or b"CCITT" in entries.get(b"/Filter", b"")
    mapped = _MAPPED.fullmatch(entries.get(b"/Decode", b"[0 1]"))
    spaced = mask or b"/ColorSpace" in entries
    depth = entries.get(b"/BitsPerComponent", b"1" if mask or own else b"")
    if mapped is None or not spaced or depth not in ((b"1",) if mask else _DEPTHS):
        raise NotPlain("colours of a picture")
    if b"/Decode" in entries and not mask and entries[b"/ColorSpace"] not in _STRAIGHT and depth != b"1":
        raise NotPlain("colours of a picture")


def _end_of_data(content: bytes, begin: int, entries: dict[bytes, bytes], resources: Any) -> int | None:
    if b"/Filter" not in entries:
        return begin + _size(entries, resources)
    if not _FILTERS.fullmatch(entries[b"/Filter"]):
        raise NotPlain("filters of a picture")
    kind = re.findall(rb"/\w+", entries[b"/Filter"])[0]
    if kind in (b"/Fl", b"/FlateDecode"):
        return _end_of_flate(content, begin)
    for names, data in (((b"/AHx", b"/ASCIIHexDecode"), _HEX), ((b"/A85", b"/ASCII85Decode"), _BASE_85)):
        if kind in names:
            found = data.match(content, begin)
            if found is None:
                raise NotPlain("data of a picture")
            return found.end()
    if kind in (b"/RL", b"/RunLengthDecode"):
        return _end_of_runs(content, begin)
    return None


def _size(entries: dict[bytes, bytes], resources: Any) -> int:
    """Bytes of the data that are not packed."""
    try:
        width, height = int(entries[b"/Width"]), int(entries[b"/Height"])
        mask = entries.get(b"/ImageMask") == b"true"
        bits = 1 if mask else int(entries[b"/BitsPerComponent"])
        space = entries.get(b"/ColorSpace", b"/DeviceGray")
        single = mask or _INDEXED.match(space) is not None
        components = 1 if single else resources.components(_SHORT.get(space, space))
    except (KeyError, ValueError) as error:
        raise NotPlain("size of a picture") from error
    size = (width * bits * components + 7) // 8 * height
    if not 0 < size <= _LARGEST:
        raise NotPlain("size of a picture")
    return size


def _end_of_flate(content: bytes, begin: int) -> int:
    unpacked, place, size = zlib.decompressobj(), begin, 0
    try:
        while place < len(content) and not unpacked.eof and size < _LARGEST:
            rest = content[place : place + _CHUNK]
            place += len(rest)
            while rest and not unpacked.eof and size < _LARGEST:
                size += len(unpacked.decompress(rest, 1 << 20))
                rest = unpacked.unconsumed_tail
    except zlib.error as error:
        raise NotPlain("data of a picture") from error
    if not unpacked.eof:
        raise NotPlain("data of a picture")
    return place - len(unpacked.unused_data)


def _end_of_runs(content: bytes, place: int) -> int:
    while place < len(content) and content[place] != 128:
        place += content[place] + 2 if content[place] < 128 else 2
    return place + 1


def _end_by_mark(content: bytes, begin: int) -> int:
    """Of data that only a program for this kind of picture can read; :func:`require_own_ends` asks one."""
    end = tokens.IMAGE_END.search(content, begin - 1)
    if end is None or tokens.ANY_IMAGE_END.search(content, begin, end.start() + 1):
        raise NotPlain("a picture of unknown length")
    return max(begin, end.start())


def require_own_ends(images: Sequence[bytes]) -> None:
    """Raises :class:`NotPlain` unless each of these *images* ends for PDFium, too, where its operator EI is: a
    path after it is seen as one."""
    content = b"".join(image + _PATH for image in images)
    if page_objects(content) != [*("image", "path")] * len(images):
        raise NotPlain("a picture that goes on behind its end")
