"""Signature wrapping: the signed bytes are still there and still verify, but are not what is read."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.attacks.registry import FORMAT, HASH, Words, register
from tests.attacks.victims import by_hand, ranges
from tests.attacks.writing import OTHER_TEXT, number_of, present, startxref, stream, written

_EVIL = b"4 0 obj\n" + stream(OTHER_TEXT) + b"\nendobj\n"
Wrap = Callable[[bytes], bytes]
WRAPPINGS: dict[str, Wrap] = {}
"""Each takes a file whose last signature was made last, and wraps it."""


def _attack(family: str, name: str, *expected: Words) -> Callable[[Wrap], Wrap]:
    def note(wrap: Wrap) -> Wrap:
        WRAPPINGS[name] = wrap
        register(family, name, lambda: wrap(by_hand("B-B")), *expected)
        return wrap

    return note


def _gap(document: bytes) -> tuple[int, int, int]:
    return max(ranges(document), key=lambda each: each[2])


def _new_range(document: bytes, numbers: tuple[int, ...]) -> bytes:
    new = b"/ByteRange [%d %d %d %d]" % numbers
    return re.sub(rb"/ByteRange\s*\[[^]]*\]", lambda match: new.ljust(len(match[0])), document)


def _table(at: int, evil_at: int, victim: bytes) -> bytes:
    size = max(int(each) for each in re.findall(rb"/Size (\d+)", victim))
    return (
        b"xref\n4 1\n%010d 00000 n \ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\n"
        % (evil_at, size, startxref(victim))
        + b"startxref\n%d\n%%%%EOF\n" % at
    )


@_attack("wrapping", "A: objects in the room that the signature does not need", FORMAT, HASH)
def in_the_room(document: bytes) -> bytes:
    """The hexadecimal string ends early; an object and a section follow in the gap."""
    start, end, _ = _gap(document)
    message = document[start + 1 : end - 1].rstrip(b"0")
    message += b"0" * (len(message) % 2)
    evil = b">" + _EVIL
    table = _table(start + 1 + len(message) + len(evil), start + 2 + len(message), document)
    filling = message + evil + table
    if len(filling) > end - start - 1:
        filling = filling[: end - start - 1]
    return document[: start + 1] + filling.ljust(end - start - 1, b" ") + document[end:]


@_attack("wrapping", "A: the string closed early and opened again", FORMAT, HASH)
def closed_and_opened(document: bytes) -> bytes:
    _, end, _ = _gap(document)
    evil = b">/Evil true/Contents<"
    place = end - len(evil) - 3
    return document[:place] + evil + document[place + len(evil) :]


@_attack("wrapping", "B: the signed tail moved to the end, the range moved with it", FORMAT, HASH)
def moved_tail(document: bytes) -> bytes:
    start, end, total = _gap(document)
    moved = document[:end] + b"\n" + _EVIL + document[end:]
    return _new_range(moved, (0, start, end + len(_EVIL) + 1, total - end))


@_attack("wrapping", "B: a section where the signed tail's startxref points", FORMAT, HASH)
def section_at_the_old_place(document: bytes) -> bytes:
    """The moved tail still says where its section was: there the attacker's lies now."""
    start, end, total = _gap(document)
    at = startxref(document)
    filling = (b"\n" + _EVIL).ljust(at - end, b" ")
    table = _table(at, end + 1, document)
    filling += table
    moved = document[:end] + filling + document[end:total]
    return _new_range(moved, (0, start, end + len(filling), total - end))


@_attack("wrapping", "C: the original range in a signature of an update", FORMAT, HASH)
def copied_into_an_update(document: bytes) -> bytes:
    number = number_of(document, rb"/ByteRange")
    return written({4: stream(OTHER_TEXT), number: present(document, number)}, after=document)


@_attack("wrapping", "C: the field leads to a copy of the signature", FORMAT, HASH)
def field_to_a_copy(document: bytes) -> bytes:
    number = number_of(document, rb"/ByteRange")
    holder = number_of(document, rb"/V %d 0 R" % number)
    field = present(document, holder).replace(b"/V %d 0 R" % number, b"/V 90 0 R")
    return written({4: stream(OTHER_TEXT), 90: present(document, number), holder: field}, after=document)


@_attack("wrapping", "D: the whole signed file inside another one, as a stream", FORMAT, HASH)
def file_in_a_file(document: bytes) -> bytes:
    number = number_of(document, rb"/ByteRange")
    return written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/SigFlags 3>>>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Annots[6 0 R]>>",
            4: stream(OTHER_TEXT),
            6: b"<</Subtype/Widget/FT/Sig/T(first)/Rect[0 0 0 0]/V 7 0 R>>",
            7: present(document, number),
            8: stream(document),
        }
    )


@_attack("wrapping", "D: the signed file in front, a whole other file behind", FORMAT)
def file_behind_a_file(document: bytes) -> bytes:
    number = number_of(document, rb"/ByteRange")
    return document + written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/SigFlags 3>>>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Annots[6 0 R]>>",
            4: stream(OTHER_TEXT),
            6: b"<</Subtype/Widget/FT/Sig/T(first)/Rect[0 0 0 0]/V 7 0 R>>",
            7: present(document, number),
        }
    )


@_attack("wrapping", "E: two ranges in one signature, the first one true", HASH)
def two_ranges(document: bytes) -> bytes:
    return _doubled(document, after=True)


@_attack("wrapping", "E: two ranges in one signature, the last one true", HASH)
def two_ranges_reversed(document: bytes) -> bytes:
    return _doubled(document, after=False)


def _doubled(document: bytes, *, after: bool) -> bytes:
    """The placeholder in the range's padding makes room for a second one."""
    other = b"/ByteRange [0 5 9 9]"

    def both(match: re.Match[bytes]) -> bytes:
        true = re.sub(rb"\s+", b" ", match[0])
        return true + other if after else other + true

    return re.sub(rb"/ByteRange\s*\[[^]]*\]", both, document)


@_attack("wrapping", "E: the range in an object that an update replaces", FORMAT, HASH)
def indirect_range(document: bytes) -> bytes:
    start, end, total = _gap(document)
    number = number_of(document, rb"/ByteRange")
    other = re.sub(rb"/ByteRange\s*\[[^]]*\]", b"/ByteRange 91 0 R", present(document, number))
    wider = b"[0 %d %d %d]" % (start, end, total - end)
    return written({4: stream(OTHER_TEXT), number: other, 91: wider}, after=document)


@_attack("wrapping", "E: a second gap, of three ranges", FORMAT, HASH)
def three_ranges(document: bytes) -> bytes:
    start, end, total = _gap(document)
    return _new_range(document, (0, start, end, total - end))[:-1] + b" "


@_attack("wrapping", "E: the range ends before the end of the revision", FORMAT, HASH)
def short_range(document: bytes) -> bytes:
    start, end, total = _gap(document)
    return _new_range(document, (0, start, end, total - end - 10))


@_attack("wrapping", "E: the gap wider than the signature", FORMAT, HASH)
def wide_gap(document: bytes) -> bytes:
    start, end, total = _gap(document)
    return _new_range(document, (0, start - 12, end, total - end))
