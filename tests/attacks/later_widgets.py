"""Widgets that are more than what a page shows in a rectangle: a later signature's that is part of a list which is
none of annotations, on another page too, or over letters that a comparison of pages may not see; those that act or
show another picture under the pointer; and fields that say two things."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from appliance.verification import Level
from tests.attacks import good
from tests.attacks.permitted import certified_form
from tests.attacks.recipes import Recipe
from tests.attacks.registry import FORMAT, UNEXPLAINED, register
from tests.attacks.timestamps import token
from tests.attacks.victims import BOX, FIELD, GOOD, amount, filled, form, next_signature, shown, signing
from tests.attacks.writing import (
    OTHER_TEXT,
    contract,
    number_of,
    placeholder,
    present,
    sealed,
    stream,
    written,
)
from tests.verification.documents import sign, with_fields

_FAMILY = "later widget"
AREA = (60, 640, 400, 780)
"""Around the contract's text, most of it empty."""
_WIDGET, _VALUE, _PICTURE = 50, 51, 52

Objects = Mapping[int, bytes]


def _signed(more: Objects) -> bytes:
    """The contract with other or further objects, signed once."""
    return sign(with_fields(written(contract(more)), "first"), signing("first"))


def over(
    more: Objects,
    picture: bytes,
    box: tuple[int, ...] = AREA,
    entries: bytes = b"/F 132",
    picture_object: bytes = b"",
) -> bytes:
    """The contract, signed, and signed again in a new field whose *picture* is in *box*; or a whole object."""
    further = {_PICTURE: picture_object} if picture_object else {}
    return _signed_over(_signed(more), picture, box, entries, lambda _: further)


def _signed_over(
    document: bytes,
    picture: bytes,
    box: tuple[int, ...] = AREA,
    entries: bytes = b"/F 132",
    more: Callable[[bytes], dict[int, bytes]] = lambda document: {},
) -> bytes:
    value = b"/V %d 0 R/AP<</N %d 0 R>>%s" % (_VALUE, _PICTURE, entries)
    objects = _added(document, box, value) | {
        _VALUE: placeholder(),
        _PICTURE: shown(picture, b"0 0 %d %d" % (box[2] - box[0], box[3] - box[1])),
    }
    return sealed(written(objects | more(document), after=document), Recipe(signer=GOOD.other))


def _added(document: bytes, box: tuple[int, ...], entries: bytes) -> dict[int, bytes]:
    """A new signature field, in the form and on the first page."""
    form = number_of(document, rb"/Fields")
    at = b"/Rect[%d %d %d %d]" % tuple(box)
    return {
        3: _with_kid(present(document, 3), b"/Annots"),
        form: _with_kid(present(document, form), b"/Fields"),
        _WIDGET: b"<</Subtype/Widget/FT/Sig/T(new)%s/P 3 0 R%s>>" % (at, entries),
    }


def _with_kid(text: bytes, key: bytes = b"") -> bytes:
    start = text.index(key) if key else 0
    end = text.index(b"]", start)
    return text[:end] + b" %d 0 R" % _WIDGET + text[end:]


# over letters, in a part of the field's rectangle

_ELSE = b"0 g BT /F1 18 Tf 12 60 Td (The buyer pays 900 euro) Tj ET"
_COVERS = {
    "a black bar": b"0 g 8 50 250 30 re f",
    "another text on a grey bar": b".7 g 8 50 250 30 re f " + _ELSE,
    "another text on a coloured bar": b"1 .6 .6 rg 8 50 250 30 re f " + _ELSE,
}
for _name, _picture in _COVERS.items():
    register(_FAMILY, _name, lambda picture=_picture: over({}, picture), FORMAT, UNEXPLAINED)

_RING = b"1 0 0 RG 3.4 w 10 10 60 60 re S 22 22 36 36 re S"
good.register(
    "later widget", "strokes of a seal over letters", lambda: over({}, _RING, (70, 670, 150, 750)), Level.T
)

_WHITE = b"1 1 1 rg 0 0 20000 20000 re f"
_LARGE = {3: contract()[3].replace(b"0 0 600 800", b"0 0 14400 14400")}
_UNITS = {
    3: contract()[3].replace(b"0 0 600 800", b"0 0 30 40/UserUnit 20"),
    4: stream(b"BT /F1 .9 Tf 3.6 35 Td (The buyer pays 100 euro) Tj ET"),
}
_SMALL = {4: stream(b"BT /F1 4 Tf 72 700 Td (The buyer pays 100 euro) Tj ET")}
_PALE = {4: stream(b".78 g BT /F1 18 Tf 72 700 Td (The buyer pays 100 euro) Tj ET")}
_YELLOW = {4: stream(b"1 1 0 rg BT /F1 18 Tf 72 700 Td (The buyer pays 100 euro) Tj ET")}
_HIDDEN: dict[str, tuple[Objects, tuple[int, ...]]] = {
    "on a large page": (_LARGE, AREA),
    "on a page of large units": (_UNITS, (3, 34, 20, 37)),
    "small print": (_SMALL, AREA),
    "pale letters": (_PALE, AREA),
    "yellow letters": (_YELLOW, AREA),
}
for _name, (_objects, _box) in _HIDDEN.items():
    register(
        _FAMILY, f"white, over {_name}" if "letters" in _name or "print" in _name else f"white, {_name}",
        lambda objects=_objects, box=_box: over(objects, _WHITE, box), FORMAT, UNEXPLAINED,
    )  # fmt: skip

_SIGNS = {"a minus": (b"-100 euro", b"12 60 3.3 10 re f"), "a comma": (b"1,000 euro", b"17.5 55 2.8 9 re f")}
for _name, (_text, _picture) in _SIGNS.items():
    register(
        _FAMILY, f"white, over {_name}",
        lambda text=_text, picture=_picture: over(
            {4: stream(b"BT /F1 10 Tf 72 700 Td (%s) Tj ET" % text)}, b"1 1 1 rg " + picture
        ),
        FORMAT, UNEXPLAINED,
    )  # fmt: skip

# where the screen does not show it

for _name, _flags in {
    "on paper alone": 36,
    "under the pointer": 4 + 32 + 256,
    "of one size at any zoom": 4 + 8,
}.items():
    register(
        _FAMILY, f"shown {_name}",
        lambda flags=_flags: over({}, _WHITE + b" " + _ELSE, entries=b"/F %d" % flags), FORMAT, UNEXPLAINED,
    )  # fmt: skip


# on another page too

_PAGES = {
    2: b"<</Type/Pages/Kids[3 0 R 8 0 R]/Count 2>>",
    4: stream(b""),
    8: contract()[3].replace(b"4 0 R", b"9 0 R"),
    9: contract()[4],
}


def on_two_pages() -> bytes:
    """The first page is empty, and the widget says that it is there; the second one lists it too."""
    return _signed_over(
        _signed(_PAGES),
        _WHITE + b" " + _ELSE,
        more=lambda document: {8: _with_kid(present(document, 8), b"/Annots")},
    )


register(_FAMILY, "on two pages", on_two_pages, FORMAT, UNEXPLAINED)


# on a page whose box is written anew

_SIGNED_AT = (320, 120, 520, 180)
_PRECISE = b"[0 0 595.303937007874 841.889763779528]"


def with_box(
    box: bytes,
    *,
    before: bytes = _PRECISE,
    units: bytes = b"",
    more: bytes = b"",
    at: tuple[int, ...] = _SIGNED_AT,
) -> bytes:
    """The page's MediaBox is *box* after the second signature *at* its place, and has *more* beside it; it was
    *before*."""
    page = contract()[3].replace(b"[0 0 600 800]", before + units)

    def renewed(document: bytes) -> dict[int, bytes]:
        page = _with_kid(present(document, 3), b"/Annots")
        return {3: re.sub(rb"/MediaBox *\[[^]]*\]", lambda found: b"/MediaBox" + box + more, page)}

    return _signed_over(_signed({3: page}), _RING, at, more=renewed)


for _box in (b"[0 0 595.303937 841.889764]", b"[0 0 595.3039370079 841.8897637795]", _PRECISE):
    good.register("later widget", f"on a page of {_box.decode()}", lambda box=_box: with_box(box), Level.T)
good.register(
    "later widget", "on a page without needless digits",
    lambda: with_box(b"[0 0 600 800]", before=b"[0.0 0.0 600.0 800.0]"), Level.T,
)  # fmt: skip

_SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
_LARGER: dict[str, Callable[[], bytes]] = {
    "a line shorter": lambda: with_box(b"[0 0 595.303937 701]"),
    "a little shorter": lambda: with_box(b"[0 0 595.303937 841.88]"),
    "a thousandth of a large unit shorter": lambda: with_box(
        b"[0 0 .008 .011]", before=b"[0 0 .0079 .0112]", units=b"/UserUnit 75000", at=(0, 0, 0, 0)
    ),
    "a line shorter, unseen": lambda: with_box(b"[0 0 595.303937 701]", at=(0, 0, 0, 0)),
    "turned over": lambda: with_box(b"[595.303937 0 0 841.889764]"),
    "of a side less": lambda: with_box(b"[0 0 595.303937]"),
    "with another box": lambda: with_box(b"[0 0 595.303937 841.889764]", more=b"/CropBox[0 0 595 841]"),
    "with a thumbnail": lambda: with_box(b"[0 0 595.303937 841.889764]", more=b"/Thumb 52 0 R"),
    "with an action": lambda: with_box(b"[0 0 595.303937 841.889764]", more=b"/AA<</O%s>>" % _SCRIPT),
}
for _name, _build in _LARGER.items():
    register(_FAMILY, f"on a page {_name}", _build, FORMAT, UNEXPLAINED)


def on_a_page_counted_wrongly() -> bytes:
    """A node of the page tree with two pages for kids counts as one, so that the page is not what it seems."""
    objects = {
        2: b"<</Type/Pages/Kids[10 0 R 3 0 R 12 0 R]/Count 3>>",
        8: _PAGES[8].replace(b"9 0 R", b"11 0 R").replace(b"/Parent 2", b"/Parent 10"),
        10: b"<</Type/Pages/Parent 2 0 R/Kids[8 0 R 9 0 R]/Count 1>>",
        9: _PAGES[8].replace(b"9 0 R", b"11 0 R").replace(b"/Parent 2", b"/Parent 10"),
        11: stream(b""),
        12: contract()[3].replace(b"4 0 R", b"11 0 R"),
    }
    return over(objects, _WHITE + b" " + _ELSE)


register(_FAMILY, "on a page counted wrongly", on_a_page_counted_wrongly, FORMAT, UNEXPLAINED)


# in a list that is none of annotations; nobody has to sign for that

_LISTED: dict[str, tuple[Objects, int, bytes]] = {
    "as a page": (
        {
            2: b"<</Type/Pages/Kids[10 0 R 8 0 R]/Count 2>>",
            3: contract()[3].replace(b"/Parent 2", b"/Parent 10"),
            8: contract()[3],
            10: b"<</Type/Pages/Parent 2 0 R/Kids 12 0 R/Count 1>>",
            12: b"[3 0 R]",
        },
        12,
        b"/Type/Page/MediaBox[0 0 600 800]/Resources<</Font<</F1 5 0 R>>>>/Contents 53 0 R",
    ),
    "as an element of the structure": (
        {
            1: b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 20 0 R/MarkInfo<</Marked true>>>>",
            20: b"<</Type/StructTreeRoot/K 21 0 R>>",
            21: b"<</Type/StructElem/S/Document/P 20 0 R/K 12 0 R>>",
            22: b"<</Type/StructElem/S/P/P 21 0 R/Pg 3 0 R/K 0>>",
            12: b"[22 0 R]",
        },
        12,
        b"/S/Span/Type/StructElem/P 21 0 R/ActualText(and 900 euro more)",
    ),
    "as an action": (
        {
            1: b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next 12 0 R>>>>",
            12: b"[]",
        },
        12,
        b"/S/URI/URI(https://example.org)",
    ),
    "as an attached file": (
        {1: b"<</Type/Catalog/Pages 2 0 R/AF 12 0 R>>", 12: b"[]"},
        12,
        b"/Type/Filespec/UF(annex.txt)/EF<</F 53 0 R>>",
    ),
}  # fmt: skip


def _listed(more: Objects, number: int, entries: bytes) -> bytes:
    document = _signed(more)
    objects = _added(document, (0, 0, 0, 0), b"/F 132").items()
    extended = {number: _with_kid(present(document, number)), 53: stream(OTHER_TEXT)}
    widget = b"<</Subtype/Widget/FT/Sig/T(new)/F 132/Rect[0 0 0 0]%s>>" % entries
    return written({**dict(objects), **extended, _WIDGET: widget}, after=document)


for _name, (_objects, _number, _entries) in _LISTED.items():
    register(
        _FAMILY, _name,
        lambda objects=_objects, number=_number, entries=_entries: _listed(objects, number, entries),
        FORMAT, UNEXPLAINED,
    )  # fmt: skip


# what acts, or is shown by the pointer alone

for _name, _entries in {
    "an action": b"/A%s" % _SCRIPT,
    "an action under the pointer": b"/AA<</E%s>>" % _SCRIPT,
}.items():
    register(
        _FAMILY, f"with {_name}, signed",
        lambda entries=_entries: over({}, b"", (320, 120, 520, 180), b"/F 132" + entries), UNEXPLAINED,
    )  # fmt: skip


def acting_as_the_page_opens() -> bytes:
    """By nobody: the field is neither signed nor seen."""
    document = _signed({})
    return written(_added(document, (0, 0, 0, 0), b"/F 132/AA<</PO%s>>" % _SCRIPT), after=document)


register(_FAMILY, "with an action as the page opens, signed by nobody", acting_as_the_page_opens, UNEXPLAINED)


def pressed() -> bytes:
    """The picture that is drawn for a pressed button covers the text."""
    value = b"/V %d 0 R/AP<</N %d 0 R/D 53 0 R/R 53 0 R>>" % (_VALUE, _PICTURE)
    pictures = {53: shown(_WHITE + b" " + _ELSE, b"0 0 340 140")}
    return _signed_over(_signed({}), b"", more=lambda document: _added(document, AREA, value) | pictures)


register(_FAMILY, "another picture under the pointer", pressed, FORMAT, UNEXPLAINED)

# what is read aloud, or moved through, and signed by nobody


def _unseen(entries: bytes) -> bytes:
    document = _signed({})
    return written(_added(document, (0, 0, 0, 0), b"/F 132" + entries), after=document)


for _name, _entries in {
    "a name to be read aloud": b"/TU(and 900 euro more)",
    "a text": b"/Contents(and 900 more)",
}.items():
    register(_FAMILY, f"unseen, with {_name}, signed by nobody", lambda e=_entries: _unseen(e), UNEXPLAINED)


def dated_and_read_aloud() -> bytes:
    """Anybody can have a timestamp, so that it is nobody's word either."""
    document = _signed({})
    objects = _added(document, (0, 0, 0, 0), b"/F 132/TU(and 900 euro more)/V %d 0 R" % _VALUE)
    objects[_VALUE] = placeholder(subfilter=b"/ETSI.RFC3161", kind=b"/DocTimeStamp", room=9000)
    return sealed(written(objects, after=document), token)


register(_FAMILY, "unseen, with a name to be read aloud, timestamped", dated_and_read_aloud, UNEXPLAINED)
good.register(
    _FAMILY, "a name that is read aloud, signed by who answers for it",
    lambda: over({}, b"", (320, 120, 520, 180), b"/F 132/TU(The buyer's signature)"), Level.T,
)  # fmt: skip


def _again(change_: Callable[[bytes], dict[int, bytes]], document: bytes) -> bytes:
    return written(change_(document), after=document)


def _form_edited(pattern: bytes, replacement: bytes) -> Callable[[bytes], dict[int, bytes]]:
    def change_(document: bytes) -> dict[int, bytes]:
        number = number_of(document, rb"/SigFlags")
        text, count = re.subn(pattern, replacement, present(document, number))
        assert count
        return {number: text}

    return change_


for _name, _flags in {"0": b"/SigFlags 0", "1": b"/SigFlags 1", "gone": b""}.items():
    register(
        _FAMILY, f"the form's flags lowered, {_name}",
        lambda f=_flags: _again(_form_edited(rb"/SigFlags \d", f), filled()), UNEXPLAINED,
    )  # fmt: skip
    register(
        _FAMILY, f"the form's flags lowered, {_name}, signed",
        lambda f=_flags: next_signature(_again(_form_edited(rb"/SigFlags \d", f), filled())), UNEXPLAINED,
    )  # fmt: skip
register(
    _FAMILY, "the form's fields in another order",
    lambda: _again(_form_edited(rb"11 0 R 13 0 R", b"13 0 R 11 0 R"), filled()), UNEXPLAINED,
)  # fmt: skip
for _name, _pattern, _text in (
    ("another order of tabs", rb"/Tabs */R", b"/Tabs/C"),
    ("no order of tabs", rb"/Tabs */R", b""),
    ("widgets in another order", rb"11 0 R 13 0 R", b"13 0 R 11 0 R"),
):
    register(
        _FAMILY, _name,
        lambda p=_pattern, t=_text: _again(
            lambda document: {3: re.sub(p, t, present(document, 3))}, _tabbed()
        ),
        UNEXPLAINED,
    )  # fmt: skip


@cache
def _tabbed() -> bytes:
    """The form, signed; its page says in which order one moves from field to field."""
    page = present(form(), 3).replace(b"/MediaBox", b"/Tabs/R/MediaBox")
    return sign(written({3: page}, after=form()), signing("first"))


# filled in a certified form, so that it says two things

_TEXT = FIELD.replace(b"(100)", b"(200)")
_TWOFOLD: dict[str, Objects] = {
    "a box ticked, and shown as it was": {13: BOX.replace(b"/V/Off", b"/V/Yes")},
    "another rich text": {11: _TEXT.replace(b"(200)", b"(200)/RV(<body><p>900</p></body>)"), 12: amount(b"200")},
    "another place in the list": {11: _TEXT.replace(b"(200)", b"(200)/I[3]"), 12: amount(b"200")},
    "a name for a text": {11: FIELD.replace(b"(100)", b"/200"), 12: amount(b"200")},
    "an action for a text": {11: FIELD.replace(b"(100)", b"<</S/JavaScript/JS(1)>>"), 12: amount(b"200")},
    "another picture under the pointer": {
        11: _TEXT.replace(b"12 0 R", b"12 0 R/R 60 0 R"), 12: amount(b"200"), 60: amount(b"900"),
    },
}  # fmt: skip
for _name, _objects in _TWOFOLD.items():
    register(
        "twofold field",
        _name,
        lambda objects=_objects: written(objects, after=certified_form()),
        FORMAT,
        UNEXPLAINED,
    )
