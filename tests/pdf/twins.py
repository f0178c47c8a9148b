"""Two PDFs of which the same bytes are signed: the gap is at one of two places, and all that lies between them
moves by its length. The number behind ``startxref`` leads to one table in one, and to another in the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.pdf.overlapping import FIELD, Prepared

ROOM = 16_386
"""Bytes of the gap, and how far the tables are apart."""

SHOWN, HIDDEN = (0, 0, 255), (255, 0, 0)
"""The colour of the square on the page of either."""

_WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/F 132/Rect[0 0 0 0]/P 3 0 R" % FIELD.encode()

Stated = Callable[[int, int, int], bytes]


@dataclass(frozen=True, slots=True)
class Twins:
    """The one that is shown to be signed, and the other one."""

    shown: Prepared
    other: Prepared


def plainly(first: int, second: int, length: int) -> bytes:
    return b"/ByteRange [0 %d %d %d]" % (first, second, length)


def without_blank(first: int, second: int, length: int) -> bytes:
    return b"/ByteRange[0 %d %d %d]" % (first, second, length)


def with_an_escape(first: int, second: int, length: int) -> bytes:
    return b"/Byte#52ange [ 0 %d %d %d ]" % (first, second, length)


def by_reference(_first: int, _second: int, _length: int) -> bytes:
    return b"/ByteRange 7 0 R"


def with_a_sign(first: int, second: int, length: int) -> bytes:
    return b"/ByteRange[0 +%d %d %d]" % (first, second, length)


def with_a_comment(first: int, second: int, length: int) -> bytes:
    return b"/ByteRange%%\n[0 %d %d %d]" % (first, second, length)


def twins(stated: Stated) -> Twins:
    """With the ByteRange of the other one as *stated*."""
    base, places, first_table = _base()
    shown = other = size = 0
    while True:
        signed, gaps = _signed(base, places, first_table, (shown, other, size), stated)
        if (*gaps, len(signed)) == (shown, other, size):
            break
        (shown, other), size = gaps, len(signed)
    gap = b"<" + b"0" * (ROOM - 2) + b">"
    made = (Prepared(signed[:at] + gap + signed[at:], len(base), (at, ROOM)) for at in (shown, other))
    return Twins(*made)


def _signed(
    base: bytes, places: Mapping[int, int], first_table: int, known: tuple[int, int, int], stated: Stated
) -> tuple[bytes, tuple[int, int]]:
    """What is signed, and where the gap of either is; as it is *known* what stands in it about that."""
    shown, other, size = known
    made = bytearray(base)
    field = len(made)
    made += _object(5, _WIDGET + b"/V 10 0 R>>")
    signature = len(made)
    made += _opened(stated(other, other + ROOM, size - other))
    gap_of_other = len(made)
    made += b">>\nendobj\n"
    page = len(made)
    made += _object(4, _stream(b"1 0 0 rg 10 10 250 250 re f"))
    table = len(made)
    moved = {**places, 4: page + ROOM, 5: field, 10: signature}
    made += _table(moved, b"<</Size 11/Root 1 0 R>>")
    made += b"%" + b" " * (table + ROOM - len(made) - 2) + b"\n"
    newest = len(made)
    trailer = b"<</Size 11/Root 1 0 R/Prev %d>>" % first_table
    made += _table({5: field, 10: newest + len(_table({5: 0, 10: 0}, trailer))}, trailer)
    made += _opened(plainly(shown, shown + ROOM, size - shown))
    gap_of_shown = len(made)
    made += b">>\nendobj\nstartxref\n%d\n%%%%EOF\n" % newest
    return bytes(made), (gap_of_shown, gap_of_other)


def _base() -> tuple[bytes, dict[int, int], int]:
    made, places = bytearray(b"%PDF-1.7\n"), {0: 0}
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/SigFlags 3>>>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<<>>/Contents 4 0 R/Annots[5 0 R]>>",
            _stream(b"0 0 1 rg 10 10 250 250 re f"),
            _WIDGET + b">>",
        ),
        1,
    ):
        places[number] = len(made)
        made += _object(number, body)
    table = len(made)
    made += _table(places, b"<</Size 6/Root 1 0 R>>") + b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(made), places, table


def _object(number: int, body: bytes) -> bytes:
    return b"%d 0 obj\n%s\nendobj\n" % (number, body)


def _stream(data: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%s\nendstream" % (len(data), data)


def _opened(stated: bytes) -> bytes:
    """A signature up to its gap."""
    return b"10 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached%s/Contents " % stated


def _table(places: Mapping[int, int], trailer: bytes) -> bytes:
    lines = b"xref\n"
    for number, place in sorted(places.items()):
        kind = b"%010d 00000 n" % place if number else b"0000000000 65535 f"
        lines += b"%d 1\n%s \n" % (number, kind)
    return lines + b"trailer\n" + trailer + b"\n"
