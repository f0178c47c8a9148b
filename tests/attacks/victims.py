"""Honest documents that attacks start from, each made once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec

from tests.attacks.writing import FONT, contract, stream, written
from tests.verification.authorities import World, world
from tests.verification.documents import Signing, plain, sign, signed, stamper, with_fields

GOOD: World = world()
Edit = Callable[[IncrementalPdfFileWriter], None]


def signing(field: str, *, certify: bool = False, dated: bool = True, **options: object) -> Signing:
    """An order to sign *field* by the good signer."""
    tsa = stamper(GOOD) if dated else None
    return Signing(field, GOOD.signer, [GOOD.issuing], tsa, certify=certify, **options)  # type: ignore[arg-type]


def next_signature(document: bytes, field: str = "second", edit: Edit | None = None, **options: object) -> bytes:
    """*document* signed by the other good signer; *edit* does more in the same revision."""
    order = Signing(field, GOOD.other, [GOOD.issuing], stamper(GOOD), **options)  # type: ignore[arg-type]
    return sign(document, order, edit)


@cache
def certified(permission: int = 2) -> bytes:
    """A certified document (DocMDP P as given), B-T, with an empty field, two pages."""
    document = with_fields(plain(2), "first", "second")
    level = MDPPerm(permission)
    return sign(document, signing("first", certify=True, permission=level))


@cache
def approved() -> bytes:
    """Signed once, not certified, B-T, with an empty field."""
    return sign(with_fields(plain(1), "first", "second"), signing("first"))


@cache
def lasting() -> bytes:
    """Two signatures, B-LTA, one page."""
    return signed(GOOD, level="B-LTA", pages=1)


@cache
def by_hand(level: str = "B-T") -> bytes:
    """The small contract that was written by hand, with one signature."""
    document = with_fields(written(contract()), "first", "second")
    return sign(document, signing("first", dated=level != "B-B"))


FIELD = (
    b"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(100)/DA(/F1 12 Tf)/F 4/Rect[72 600 300 640]/P 3 0 R"
    b"/AP<</N 12 0 R>>>>"
)
BOX = (
    b"<</Type/Annot/Subtype/Widget/FT/Btn/T(agreed)/V/Off/AS/Off/F 4/Rect[72 540 92 560]/P 3 0 R"
    b"/AP<</N<</Yes 14 0 R/Off 15 0 R>>>>>>"
)


def shown(content: bytes, box: bytes = b"0 0 228 40") -> bytes:
    """A form XObject that draws *content*."""
    entries = b"/Type/XObject/Subtype/Form/BBox[%s]/Resources<</Font<</F1 5 0 R>>>>" % box
    return stream(content, entries)


def amount(number: bytes) -> bytes:
    """The appearance of the text field with *number* in it."""
    return shown(b"BT /F1 12 Tf 4 12 Td (%s) Tj ET" % number)


@cache
def form_alone() -> bytes:
    """A contract with a filled text field (object 11, shown by 12) and an open check box (13)."""
    catalogue = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[11 0 R 13 0 R]/DR<</Font<</F1 5 0 R>>>>>>>>"
    more = {
        1: catalogue,
        5: FONT,
        11: FIELD,
        12: amount(b"100"),
        13: BOX,
        14: shown(b"0 0 20 20 re f", b"0 0 20 20"),
        15: shown(b"q Q", b"0 0 20 20"),
    }
    return written(contract(more, annotations=b"11 0 R 13 0 R"))


@cache
def form(lock: bool = False) -> bytes:
    """That contract with two fields for signatures."""
    spec = FieldMDPSpec(FieldMDPAction.ALL) if lock else None
    return with_fields(form_alone(), "first", "second", lock=spec)


@cache
def filled() -> bytes:
    """That form, signed once."""
    return sign(form(), signing("first"))


def sneaky_field(box: tuple[int, int, int, int] = (100, 500, 400, 600)) -> SigFieldSpec:
    """A new signature field where it hides something."""
    return SigFieldSpec("sneaky", on_page=0, box=box)


def ranges(document: bytes) -> list[tuple[int, int, int]]:
    """Gap start, gap end and signed end of every ByteRange."""
    found = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", document)
    return [(int(a), int(b), int(b) + int(c)) for a, b, c in found]
