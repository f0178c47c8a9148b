"""Attacks on certifications that allow to fill fields or to add notes (:mod:`tests.attacks.permitted`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, MDPPerm

from tests.attacks.certified import annotate
from tests.attacks.incremental import draw_over_page
from tests.attacks.leniency import both
from tests.attacks.permitted import FILLED, certified_form, locking
from tests.attacks.registry import FORMAT, UNEXPLAINED, Words, register
from tests.attacks.victims import (
    BOX,
    FIELD,
    amount,
    certified,
    filled,
    form,
    form_alone,
    next_signature,
    shown,
    signing,
)
from tests.attacks.writing import FONT, OTHER_TEXT, present, stream, written
from tests.verification.documents import change, sign, with_fields

_SEEN_OR_NOT = (FORMAT, UNEXPLAINED)
_HIDDEN_VALUE = {11: FIELD.replace(b"(100)", b"(200)")}
_ANOTHER_PICTURE = {12: amount(b"900")}
_MOVED = {11: FIELD.replace(b"(100)", b"(200)").replace(b"[72 600", b"[72 500"), 12: amount(b"200")}


def _approved_then_certified() -> bytes:
    """A signature that certifies nothing, then a certification, then a field filled."""
    document = next_signature(sign(form(), signing("first")), certify=True, permission=MDPPerm.FILL_FORMS)
    return written(FILLED, after=document)


_CERTIFIED: dict[str, tuple[Callable[[], bytes], tuple[Words, ...]]] = {
    "filled, P=1": (lambda: written(FILLED, after=certified_form(1)), (FORMAT,)),
    "certified after another signature, filled": (_approved_then_certified, (UNEXPLAINED,)),
    "a locked field filled": (
        lambda: written(FILLED, after=locking(FieldMDPAction.INCLUDE, "amount", certify=True)), (FORMAT,),
    ),
    "a field filled that is not excepted": (
        lambda: written(FILLED, after=locking(FieldMDPAction.EXCLUDE, "agreed", certify=True)), (FORMAT,),
    ),
    "a locked field filled beside an unknown change": (
        lambda: written(
            FILLED | {1: b"<</Type/Catalog/Pages 2 0 R/PageMode/UseThumbs/AcroForm 16 0 R>>"},
            after=locking(FieldMDPAction.ALL),
        ),
        (*_SEEN_OR_NOT,),
    ),
    "the certification removed, filled": (
        lambda: change(written(FILLED, after=certified_form(1)), _unlocked), (FORMAT,),
    ),
}  # fmt: skip


def _unlocked(writer: IncrementalPdfFileWriter) -> None:
    if "/Perms" in writer.root:
        del writer.root["/Perms"]
        writer.update_root()


for _name, (_build, _words) in _CERTIFIED.items():
    register("certified form", _name, _build, *_words)
for _permission in (2, 3):
    for _name, _objects, _words in (
        ("a value that is not shown", _HIDDEN_VALUE, (UNEXPLAINED,)),
        ("another picture of the same value", _ANOTHER_PICTURE, (FORMAT,)),
        ("moved while it is filled", _MOVED, (FORMAT,)),
        ("filled, and the page changed", FILLED | {4: stream(OTHER_TEXT)}, (FORMAT,)),
        ("a box redrawn, its value kept", {13: BOX.replace(b"/AS/Off", b"/AS/Yes")}, (FORMAT,)),
    ):
        register(
            "certified form", f"{_name}, P={_permission}",
            lambda p=_permission, objects=_objects: written(objects, after=certified_form(p)), *_words,
        )  # fmt: skip
register(
    "certified form", "a note beside the text, P=3",
    lambda: change(certified(3), partial(annotate, "/Text")), UNEXPLAINED, FORMAT,
)  # fmt: skip
register(
    "certified form", "a note, and the page changed, P=3",
    lambda: change(certified(3), both(partial(annotate, "/Stamp"), draw_over_page)), FORMAT,
)  # fmt: skip
register(
    "certified form", "a note, and a field redrawn, P=3",
    lambda: change(written(_ANOTHER_PICTURE, after=certified_form(3)), partial(annotate, "/Stamp")), FORMAT,
)  # fmt: skip


# pictures that do not say the value, or not to everybody

_200 = FIELD.replace(b"(100)", b"(200)")
_SAYS_200 = b"BT /F1 12 Tf 4 12 Td (200) Tj ET"


def _drawing(content: bytes, fonts: bytes = b"/F1 5 0 R", entries: bytes = b"") -> bytes:
    """A picture of the field by *content*, with these *fonts* and more *entries*."""
    resources = b"/Type/XObject/Subtype/Form/BBox[0 0 228 40]%s/Resources<</Font<<%s>>>>" % (entries, fonts)
    return stream(content, resources)


def _in_typeface(typeface: bytes, **more: bytes) -> dict[int, bytes]:
    """The value in a typeface (object 91) that the filling brings."""
    objects = {int(number[1:]): value for number, value in more.items()}
    return {11: _200, 12: _drawing(_SAYS_200, b"/F1 91 0 R"), 91: typeface, **objects}


_TO_UNICODE = (
    b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange"
    b" 3 beginbfchar <33> <0032> <30> <0030> <32> <0032> endbfchar endcmap end"
)
_LYING = FONT.replace(b">>", b"/ToUnicode 92 0 R>>")
_DRAWN_300 = stream(b"1000 0 0 0 900 900 d1 0 0 800 800 re f")
_TYPE_3 = (
    b"<</Type/Font/Subtype/Type3/FontBBox[0 0 900 900]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 48/LastChar 50"
    b"/Widths[900 900 900]/Encoding<</Differences[48/zero/one/two]>>"
    b"/CharProcs<</zero 93 0 R/one 93 0 R/two 93 0 R>>/Resources<<>>/ToUnicode 92 0 R>>"
)
_SEVEN_SEGMENTS = b"40 8 3 24 re 40 30 16 3 re 53 8 3 24 re 40 8 16 3 re f "
_REDRAWN_BOX = BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes").replace(b"/Yes 14 0 R", b"/Yes 94 0 R")
_PICTURES: dict[str, dict[int, bytes]] = {
    "another number": {11: _200, 12: amount(b"300")},
    "one digit more": {11: _200, 12: amount(b"2000")},
    "nothing": {11: _200, 12: amount(b"")},
    "struck out": {11: _200, 12: shown(b"0 16 m 228 16 l S " + _SAYS_200)},
    "all black": {11: _200, 12: shown(b"0 0 228 40 re f " + _SAYS_200)},
    "black on black": {11: _200, 12: shown(b"0 0 228 40 re f 0 g " + _SAYS_200)},
    "white letters": {11: _200, 12: shown(b"1 g " + _SAYS_200)},
    "white letters under another number of paths": {11: _200, 12: shown(_SEVEN_SEGMENTS + b"1 g " + _SAYS_200)},
    "a digit of paths before the number": {11: _200, 12: shown(_SEVEN_SEGMENTS + _SAYS_200)},
    "letters that are not drawn": {11: _200, 12: shown(b"BT 3 Tr /F1 12 Tf 4 12 Td (200) Tj ET")},
    "letters under a white box": {11: _200, 12: shown(_SAYS_200 + b" 1 g 4 8 8 20 re f")},
    "half of a letter cut off": {11: _200, 12: shown(b"q 4 0 17 17 re W n " + _SAYS_200 + b" Q")},
    "a minus beside the picture": {
        11: FIELD.replace(b"(100)", b"(-200)"), 12: shown(b"BT /F1 12 Tf -4 12 Td (-200) Tj ET")
    },
    "letters too small to be read": {11: _200, 12: shown(b"BT /F1 1 Tf 4 12 Td (200) Tj ET")},
    "letters in another order": {
        11: _200, 12: shown(b"BT /F1 12 Tf 24 12 Td (2) Tj -10 0 Td (0) Tj -10 0 Td (0) Tj ET")
    },
    "letters one over the other": {
        11: _200, 12: shown(b"BT /F1 12 Tf 4 12 Td (2) Tj 1 0 Td (0) Tj 1 0 Td (0) Tj ET")
    },
    "letters upside down": {
        11: FIELD.replace(b"(100)", b"(966)"), 12: shown(b"BT /F1 12 Tf -1 0 0 -1 40 22 Tm (966) Tj ET")
    },
    "a picture upside down": {
        11: FIELD.replace(b"(100)", b"(966)"),
        12: _drawing(b"BT /F1 12 Tf 4 12 Td (966) Tj ET", entries=b"/Matrix[-1 0 0 -1 228 40]"),
    },
    "what is read instead of it": {
        11: _200, 12: shown(b"/Span<</ActualText(200)>>BDC BT /F1 12 Tf 4 12 Td (300) Tj ET EMC")
    },
    "a typeface that says another letter": _in_typeface(_LYING, n92=stream(_TO_UNICODE))
    | {12: _drawing(_SAYS_200.replace(b"(2", b"(3"), b"/F1 91 0 R")},
    "a typeface of its own": _in_typeface(_TYPE_3, n92=stream(_TO_UNICODE), n93=_DRAWN_300),
    "a layer": {11: _200, 12: _drawing(_SAYS_200, entries=b"/OC 91 0 R"), 91: b"<</Type/OCG/Name(x)>>"},
    "letters cut off after a comment with a parenthesis": {
        11: FIELD.replace(b"(100)", b"(800)"),
        12: shown(b"%(\n7.4 0 200 40 re W n\n%)\nBT /F1 12 Tf 4 12 Td (800) Tj ET"),
    },
    "a raised digit": {
        11: FIELD.replace(b"(100)", b"(102)"),
        12: shown(b"BT /F1 12 Tf 4 12 Td (10) Tj 4 Ts /F1 10 Tf (2) Tj ET"),
    },
    "a value with a raised digit": {
        11: FIELD.replace(b"(100)", b"<FEFF0031003000B2>"), 12: amount(b"102")
    },
    "the last digits smaller": {
        11: FIELD.replace(b"(100)", b"(200000)"),
        12: shown(b"BT /F1 12 Tf 4 12 Td (200) Tj /F1 3.5 Tf (000) Tj ET"),
    },
    "letters turned over by their size": {
        11: FIELD.replace(b"(100)", b"(966)"),
        12: shown(b"BT /F1 -12 Tf 14 22 Td (9) Tj 8 0 Td (6) Tj 8 0 Td (6) Tj ET"),
    },
    "digits on a line above": {
        11: FIELD.replace(b"(100)", b"(100200)"),
        12: shown(b"BT /F1 12 Tf 4 4 Td (100) Tj 22 20 Td (200) Tj ET"),
    },
    "a bar through a digit": {
        11: _200, 91: FONT.replace(b"Helvetica", b"Symbol"),
        12: _drawing(_SAYS_200[:-2] + b"/S 4 Tf 1 0 0 1 12 15 Tm <be> Tj ET", b"/F1 5 0 R/S 91 0 R"),
    },
    "letters in a colour space that programs look for": {
        11: _200, 12: shown(b"/CS0 cs 1 sc BT /F1 12 Tf 4 12 Td (200) Tj ET")
    },
    "no typeface": {11: _200, 12: shown(b"BT 4 12 Td (200) Tj ET")},
    "letters of another list than they are numbered by": {
        11: FIELD.replace(b"(100)", b"<FEFF4EBA6C115E01>"),
        12: _drawing(b"BT /F2 12 Tf 4 12 Td <4EBA6C115E01> Tj ET", b"/F2 91 0 R"),
        91: b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[92 0 R]>>",
        92: b"<</Type/Font/Subtype/CIDFontType0/BaseFont/HeiseiMin-W3/DW 1000/CIDSystemInfo"
        b"<</Registry(Adobe)/Ordering(Japan1)/Supplement 4>>>>",
    },
    "no letters where programs draw it by another operator": {
        11: _200.replace(b"12 Tf", b"12 Tf 3 Tr"), 12: amount(b"200")
    },
    "a typeface for programs that takes long to read": {
        11: _200.replace(b"12 Tf", b"12 Tf " + b"1 " * 40000), 12: amount(b"200")
    },
    "white letters where programs draw it": {11: _200.replace(b"12 Tf", b"12 Tf 1 g"), 12: amount(b"200")},
    "no letters where programs draw it": {11: _200.replace(b"12 Tf", b".1 Tf"), 12: amount(b"200")},
    "a value that is a stream": {11: FIELD.replace(b"(100)", b" 91 0 R"), 12: amount(b"300"), 91: stream(b"200")},
    "another picture of a ticked box": {
        13: BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes"), 14: shown(b"", b"0 0 20 20")
    },
    "a ticked box with another mark": {
        13: _REDRAWN_BOX, 94: shown(b"2 w 3 3 m 17 17 l 3 17 m 17 3 l S", b"0 0 20 20"),
    },
    "a ticked box with a small word": {
        13: _REDRAWN_BOX, 94: shown(b"0 0 20 20 re f BT 1 g /F1 9 Tf 3 6 Td (No) Tj ET", b"0 0 20 20")
    },
}  # fmt: skip
for _name, _objects in _PICTURES.items():
    register(
        "picture of a field", _name,
        lambda objects=_objects: written(objects, after=certified_form(2)), *_SEEN_OR_NOT,
    )  # fmt: skip
    register(
        "picture of a field", f"{_name}, signed",
        lambda objects=_objects: next_signature(written(objects, after=filled())), *_SEEN_OR_NOT,
    )  # fmt: skip


# what the resources of the page have, and the picture's own have not: programs look there, too

_DRAWS_900 = shown(b"1 g 0 0 228 40 re f 0 g BT /F1 12 Tf 4 12 Td (900) Tj ET")


def _on_page_with(resources: bytes, picture: dict[int, bytes]) -> bytes:
    """A certified form on a page with more *resources*, and then a *picture* of a field that uses them."""
    page = present(form_alone(), 3).replace(b"/F1 5 0 R", b"/F1 5 0 R/T 91 0 R")
    further = {
        3: page.replace(b">>>>", b">>%s>>" % resources),
        80: _DRAWS_900,
        91: _TYPE_3,
        92: stream(_TO_UNICODE),
    }
    document = with_fields(written(further | {93: _DRAWN_300}, after=form_alone()), "first", "second")
    return written(picture, after=sign(document, signing("first", certify=True)))


_IN_ITS_TYPEFACE = stream(b"BT /T 12 Tf 4 12 Td (200) Tj ET", b"/Type/XObject/Subtype/Form/BBox[0 0 228 40]")
_RESOURCES: dict[str, tuple[bytes, dict[int, bytes]]] = {
    "a drawing": (b"/XObject<</X 80 0 R>>", {11: _200, 12: shown(_SAYS_200 + b" /X Do")}),
    "a drawing, of a box": (
        b"/XObject<</X 80 0 R>>", {13: _REDRAWN_BOX, 94: shown(b"0 0 20 20 re f /X Do", b"0 0 20 20")}
    ),
    "a state": (
        b"/ExtGState<</G<</ca 0>>>>",
        {
            11: FIELD.replace(b"(100)", b"(200000)"),
            12: shown(b"BT /F1 12 Tf 4 12 Td (200) Tj /G gs (000) Tj ET"),
        },
    ),
    "a typeface": (b"", {11: _200, 12: _IN_ITS_TYPEFACE}),
}  # fmt: skip
for _name, (_resources, _objects) in _RESOURCES.items():
    register(
        "picture of a field", f"{_name} of the page",
        lambda resources=_resources, objects=_objects: _on_page_with(resources, objects), *_SEEN_OR_NOT,
    )  # fmt: skip


def _without_widget() -> bytes:
    """A field of the form that is nowhere on a page."""
    field = b"<</FT/Tx/T(term)/V(30 days)>>"
    catalogue = present(form(), 1).replace(b"/Fields [", b"/Fields [ 95 0 R")
    document = sign(written({1: catalogue, 95: field}, after=form()), signing("first", certify=True))
    return written({95: field.replace(b"30", b"90")}, after=document)


register("picture of a field", "none at all", _without_widget, *_SEEN_OR_NOT)


def _prepared(typeface: bytes) -> bytes:
    """A certified form whose file holds a *typeface* that nothing uses, until the picture of the value does."""
    hidden = {91: typeface, 92: stream(_TO_UNICODE), 93: b"<</Hidden 91 0 R>>"}
    document = sign(with_fields(written(hidden, after=form_alone()), "first"), signing("first", certify=True))
    return written({11: _200, 12: _drawing(_SAYS_200.replace(b"(2", b"(3"), b"/F1 91 0 R")}, after=document)


register("picture of a field", "a typeface that was hidden in the file", lambda: _prepared(_LYING), *_SEEN_OR_NOT)
