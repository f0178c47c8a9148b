"""Where a picture within a content stream ends (ISO 32000-2, 8.9.7): some programs unpack its data to find out,
others look for the operator EI. Both have to come to the same place."""

from __future__ import annotations

import re
import zlib
from typing import Any

from appliance.pdf import content_tokens as tokens

_LONG = {b"/W": b"/Width", b"/H": b"/Height", b"/BPC": b"/BitsPerComponent", b"/CS": b"/ColorSpace",
         b"/F": b"/Filter", b"/IM": b"/ImageMask", b"/D": b"/Decode", b"/DP": b"/DecodeParms",
         b"/I": b"/Interpolate", b"/L": b"/Length"}  # fmt: skip
_SHORT = {b"/G": b"/DeviceGray", b"/RGB": b"/DeviceRGB", b"/CMYK": b"/DeviceCMYK"}
_KNOWN = {*_LONG.values(), b"/Intent"}
_INDEXED = re.compile(rb"\[[\x00\t\n\x0c\r ]*/(?:I|Indexed)(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_LARGEST = 1 << 26
_BLANKS = b"\x00\t\n\x0c\r "


class NotPlain(ValueError):
    """Programs may draw this content differently."""


def end_of_image(content: bytes, place: int, resources: Any) -> int:
    """Behind the picture whose operator BI ends at *place*. Raises :class:`NotPlain`."""
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
    last = _end_of_data(content, begin, entries, resources)
    end = tokens.IMAGE_END.search(content, max(begin - 1, last - 1))
    first = tokens.IMAGE_END.search(content, begin - 1)
    if end is None or first is None or end.start() != first.start() or content[last : end.start()].strip(_BLANKS):
        raise NotPlain("a picture with two ends")
    return end.end()


def _end_of_data(content: bytes, begin: int, entries: dict[bytes, bytes], resources: Any) -> int:
    filters = re.findall(rb"/[^\s/\]]*", entries.get(b"/Filter", b""))
    if not filters:
        return begin + _size(entries, resources)
    kind = filters[0]
    if kind in (b"/Fl", b"/FlateDecode"):
        return _end_of_flate(content, begin)
    for names, mark in (((b"/AHx", b"/ASCIIHexDecode"), b">"), ((b"/A85", b"/ASCII85Decode"), b"~>")):
        if kind in names:
            found = content.find(mark, begin)
            if found < 0:
                raise NotPlain("a picture without end")
            return found + len(mark)
    if kind in (b"/RL", b"/RunLengthDecode"):
        return _end_of_runs(content, begin)
    return _end_before_nothing(content, begin)


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
    unpacked, rest = zlib.decompressobj(), content[begin:]
    try:
        size = 0
        while rest and not unpacked.eof and size < _LARGEST:
            size += len(unpacked.decompress(rest, 1 << 20))
            rest = unpacked.unconsumed_tail
    except zlib.error as error:
        raise NotPlain("data of a picture") from error
    if not unpacked.eof:
        raise NotPlain("data of a picture")
    return len(content) - len(unpacked.unused_data)


def _end_of_runs(content: bytes, place: int) -> int:
    while place < len(content) and content[place] != 128:
        place += content[place] + 2 if content[place] < 128 else 2
    return place + 1


def _end_before_nothing(content: bytes, begin: int) -> int:
    """Of data that only a picture's own program can read: nothing is drawn after them that they could hide."""
    end = tokens.IMAGE_END.search(content, begin - 1)
    if end is None or not re.fullmatch(rb"(?:[\x00\t\n\x0c\r ]|Q|EMC)*", content[end.end() :]):
        raise NotPlain("a picture of unknown length")
    return max(begin, end.start())
