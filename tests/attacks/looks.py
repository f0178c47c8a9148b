"""What is seen changes, and objects seem to explain it: widgets that overlap, fonts and appearances swapped."""

from __future__ import annotations

import re

from tests.attacks.recipes import Recipe
from tests.attacks.registry import FORMAT, UNEXPLAINED, attack, register
from tests.attacks.victims import BOX, FIELD, GOOD, amount, approved, filled, form, next_signature, shown, signing
from tests.attacks.writing import (
    FONT,
    OTHER_TEXT,
    contract,
    number_of,
    placeholder,
    present,
    sealed,
    stream,
    written,
)
from tests.verification.documents import add_document_timestamp, sign, stamper, with_fields

_FAMILY = "changed looks"
COVER = shown(b"1 1 1 rg 0 0 600 800 re f " + OTHER_TEXT, b"0 0 600 800")

_UPDATES: dict[str, dict[int, bytes]] = {
    "the appearance, the value kept": {12: amount(b"900")},
    "the value, the appearance kept": {11: FIELD.replace(b"(100)", b"(900)")},
    "the appearance in a new object, the value kept": {
        11: FIELD.replace(b"12 0 R", b"92 0 R"),
        92: amount(b"900"),
    },
    "the field grown over the text": {11: FIELD.replace(b"[72 600 300 640]", b"[0 0 600 800]"), 12: COVER},
    "the field moved": {11: FIELD.replace(b"[72 600 300 640]", b"[72 300 300 340]")},
    "the appearance reaches beyond the field": {12: COVER},
    "the box ticked by its picture alone": {15: shown(b"0 0 20 20 re f", b"0 0 20 20")},
    "the box ticked by its state, the value kept": {13: BOX.replace(b"/AS/Off", b"/AS/Yes")},
    "the box ticked by its value, the state kept": {13: BOX.replace(b"/V/Off", b"/V/Yes")},
    "the field hidden": {11: FIELD.replace(b"/F 4", b"/F 2")},
    "the field's default appearance": {11: FIELD.replace(b"/F1 12 Tf", b"/F1 90 Tf")},
    "the field's typeface": {5: FONT.replace(b"Helvetica", b"Symbol")},
    "the field's name": {11: FIELD.replace(b"(amount)", b"(total)")},
    "the field's kind": {11: FIELD.replace(b"/Tx", b"/Ch")},
    "the field acts": {11: FIELD.replace(b"/F 4", b"/F 4/AA<</K<</S/JavaScript/JS(1)>>>>")},
    "the field is computed": {11: FIELD.replace(b"/F 4", b"/F 4/MaxLen 1")},
}
for _name, _objects in _UPDATES.items():
    register(_FAMILY, f"{_name}", lambda objects=_objects: written(objects, after=filled()), FORMAT, UNEXPLAINED)
    register(
        _FAMILY,
        f"{_name}, under a document timestamp",
        lambda objects=_objects: add_document_timestamp(written(objects, after=filled()), stamper(GOOD)),
        FORMAT,
        UNEXPLAINED,
    )

_NEVER_FILLING = (
    "the appearance, the value kept",
    "the appearance in a new object, the value kept",
    "the field grown over the text",
    "the field moved",
    "the appearance reaches beyond the field",
    "the box ticked by its picture alone",
    "the box ticked by its state, the value kept",
    "the field hidden",
    "the field's default appearance",
    "the field's typeface",
    "the field's name",
    "the field's kind",
    "the field acts",
    "the field is computed",
)
for _name in _NEVER_FILLING:
    register(
        _FAMILY,
        f"{_name}, under a further signature",
        lambda name=_name: next_signature(written(_UPDATES[name], after=filled())),
        FORMAT,
        UNEXPLAINED,
    )


@attack(_FAMILY, "a locked field filled, under a further signature", FORMAT, says="forbids")
def locked() -> bytes:
    document = sign(form(lock=True), signing("first"))
    changed = {11: FIELD.replace(b"(100)", b"(900)"), 12: amount(b"900")}
    return next_signature(written(changed, after=document))


@attack(_FAMILY, "two widgets over each other, the upper one filled", FORMAT, UNEXPLAINED)
def overlapping() -> bytes:
    """Before signing a second field lies under the first one; afterwards it is filled to cover it."""
    base = written(
        {
            16: FIELD.replace(b"(amount)", b"(note)").replace(b"(100)", b"()").replace(b"12 0 R", b"17 0 R"),
            17: amount(b""),
            3: present(form(), 3).replace(b"/Annots[", b"/Annots[16 0 R "),
        },
        after=form(),
    )
    document = sign(base, signing("first"))
    return written({17: COVER}, after=document)


@attack(_FAMILY, "a new signature covers the text", FORMAT, UNEXPLAINED)
def covering_signature() -> bytes:
    """By somebody whom the victim trusts, in a document that is not certified."""
    return _covered((60, 690, 400, 730))


@attack(_FAMILY, "a new signature covers the page", FORMAT, UNEXPLAINED)
def covering_page() -> bytes:
    return _covered((0, 0, 600, 800))


def _covered(box: tuple[int, int, int, int]) -> bytes:
    """A field, its signature and a white picture that covers *box*, all in one revision."""
    document = sign(with_fields(written(contract()), "first"), signing("first"))
    white = shown(b"1 1 1 rg 0 0 600 800 re f", b"0 0 %d %d" % (box[2] - box[0], box[3] - box[1]))
    widget = (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(over)/F 132/Rect[%d %d %d %d]/P 3 0 R/V 51 0 R/AP<</N 52 0 R>>>>"
        % box
    )
    form = number_of(document, rb"/Fields")
    update = {
        3: re.sub(rb"/Annots\s*\[", b"/Annots [50 0 R ", present(document, 3)),
        form: re.sub(rb"/Fields\s*\[(.*?)\]", rb"/Fields [\1 50 0 R]", present(document, form)),
        50: widget,
        51: placeholder(),
        52: white,
    }
    return sealed(written(update, after=document), Recipe(signer=GOOD.other))


_GLYPH = (
    b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/CharProcs<</a 15 0 R/b 16 0 R>>"
    b"/Encoding<</Type/Encoding/Differences[97/%s]>>/FirstChar 97/LastChar 97/Widths[1]>>"
)


@attack(_FAMILY, "the glyphs of an embedded font exchanged", FORMAT, UNEXPLAINED)
def swapped_glyphs() -> bytes:
    objects = contract(
        {5: _GLYPH % b"a", 15: stream(b"1 0 d0 0 0 .5 .5 re f"), 16: stream(b"1 0 d0 .5 .5 .5 .5 re f")}
    )
    objects[4] = stream(b"BT /F1 72 Tf 72 700 Td (a) Tj ET")
    document = sign(with_fields(written(objects), "first"), signing("first"))
    return written({15: stream(b"1 0 d0 .5 .5 .5 .5 re f")}, after=document)


@attack(_FAMILY, "the encoding of an embedded font exchanged", FORMAT, UNEXPLAINED)
def swapped_encoding() -> bytes:
    objects = contract(
        {5: _GLYPH % b"a", 15: stream(b"1 0 d0 0 0 .5 .5 re f"), 16: stream(b"1 0 d0 .5 .5 .5 .5 re f")}
    )
    objects[4] = stream(b"BT /F1 72 Tf 72 700 Td (a) Tj ET")
    document = sign(with_fields(written(objects), "first"), signing("first"))
    return written({5: _GLYPH % b"b"}, after=document)


@attack(_FAMILY, "the signature's own picture exchanged", FORMAT, UNEXPLAINED)
def other_picture() -> bytes:
    document = approved()
    return written({_stamp(document): shown(b"1 0 0 rg 0 0 200 60 re f", b"0 0 200 60")}, after=document)


@attack(_FAMILY, "the signature's own picture exchanged, under a further signature", FORMAT, UNEXPLAINED)
def other_picture_signed() -> bytes:
    return next_signature(other_picture())  # type: ignore[arg-type]


def _stamp(document: bytes) -> int:
    return number_of(document, rb"/Subtype\s*/Form")
