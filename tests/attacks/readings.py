"""Files that programs read differently, or whose pages depend on what stands in the gap of the signature: most are
signed as they are, and nothing in them was changed since."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from tests.attacks.recipes import Recipe
from tests.attacks.registry import FORMAT, UNEXPLAINED, UNREADABLE, register
from tests.attacks.victims import approved, signing
from tests.attacks.writing import (
    HEAD,
    OTHER_TEXT,
    PAGES,
    TEXT,
    contract,
    number_of,
    placeholder,
    present,
    sealed,
    startxref,
    stream,
    written,
)
from tests.pdf import overlapping
from tests.pdf.overlapping import Shape
from tests.verification.documents import sign, with_fields

_WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(one)/F 132/Rect[0 0 0 0]/P 3 0 R/V 8 0 R>>"
_CATALOGUE = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/SigFlags 3>>>>"


def objects(more: Mapping[int, bytes] | None = None) -> dict[int, bytes]:
    """The contract with a signature that waits, and *more*."""
    form = {1: _CATALOGUE, 7: _WIDGET, 8: placeholder()}
    return contract(form, annotations=b"7 0 R") | dict(more or {})


def page(entries: bytes = b"/Contents 4 0 R") -> bytes:
    """The only page, with these contents."""
    return objects()[3].replace(b"/Contents 4 0 R", entries)


def signed(more: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A file of :func:`objects`, sealed as it is."""
    return sealed(written(objects(more), trailer=trailer), Recipe())


_OTHER = stream(OTHER_TEXT)
_SECOND_TREE = {
    12: PAGES.replace(b"3 0", b"13 0"),
    13: page(b"/Contents 14 0 R").replace(b"2 0 R", b"12 0 R"),
    14: _OTHER,
}
_SECOND_ROOT = _SECOND_TREE | {11: _CATALOGUE.replace(b"2 0 R", b"12 0 R")}
_TWO_CONTENTS = page(b"/Contents 4 0 R/Contents 6 0 R")


def _packed() -> bytes:
    """The page lies in an object stream, with two contents."""
    member = b"3 0 " + _TWO_CONTENTS
    packed = stream(member, b"/Type/ObjStm/N 1/First 4")
    out, places = bytearray(HEAD), {}
    rest = objects({6: _OTHER, 20: packed})
    del rest[3]
    for number, value in rest.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    rows = [b"\0" + bytes(5)] * 22
    for number, place in (places | {21: len(out)}).items():
        rows[number] = b"\1" + place.to_bytes(4, "big") + b"\0"
    rows[3] = b"\2" + (20).to_bytes(4, "big") + b"\0"
    keys = b"/Type/XRef/W[1 4 1]/Size 22/Root 1 0 R"
    end = b"21 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(b"".join(rows), keys), len(out))
    return sealed(bytes(out) + end, Recipe())


def _set_right_later() -> bytes:
    """The signed revision has two contents; a later one has the page with one of them."""
    return written({3: page()}, after=signed({3: _TWO_CONTENTS, 6: _OTHER}))


def _two_contents_later() -> bytes:
    """The page is written again after signing, with a second value behind the first one, which is as it was."""
    document = sign(with_fields(written(contract({6: _OTHER})), "one"), signing("one"))
    number = number_of(document, rb"/Type\s*/Page[^s]")
    anew = present(document, number).replace(b"/Contents 4 0 R", b"/Contents 4 0 R/Contents 6 0 R")
    return written({number: anew}, after=document)


def _beginning_elsewhere() -> bytes:
    """An update that some programs begin to read at, and others do not: no end of file is behind it."""
    document = approved()
    number = number_of(document, rb"/Type\s*/Page[^s]")
    changed = re.sub(rb"/Contents \d+ 0 R", b"/Contents 901 0 R", present(document, number))
    update = written({number: changed, 901: _OTHER}, after=document)
    return update[: update.rindex(b"%%EOF")] + b"startxref\n%d\n%%%%EOF\n" % startxref(document)


def marked_free(document: bytes, number: int, entry: bytes = b"0000000000 65535 f") -> bytes:
    """One more revision of *document*, which says that the object is free: some programs still find it."""
    later = written({number: b"null"}, after=document)
    place = startxref(later)
    return later[:place] + re.sub(rb"\d{10} 00000 n", entry, later[place:])


def _free_text() -> bytes:
    return sign(with_fields(marked_free(written(contract()), 4), "one"), signing("one"))


def _freed_later() -> bytes:
    document = approved()
    page_number = number_of(document, rb"/Type\s*/Page[^s]")
    found = re.search(rb"/Contents (\d+) 0 R", present(document, page_number))
    assert found is not None
    return marked_free(document, int(found[1]))


CASES: dict[str, Callable[[], bytes]] = {
    "a page with two contents": lambda: signed({3: _TWO_CONTENTS, 6: _OTHER}),
    "two contents, one name escaped": lambda: signed({3: page(b"/Contents 4 0 R/C#6fntents 6 0 R"), 6: _OTHER}),
    "a catalogue with two page trees": lambda: signed(
        _SECOND_TREE | {1: _CATALOGUE.replace(b"/Pages 2 0 R", b"/Pages 2 0 R/Pages 12 0 R")}
    ),
    "two catalogues in the trailer": lambda: signed(_SECOND_ROOT, trailer=b"/Root 1 0 R/Root 11 0 R"),
    "two contents in an object stream": _packed,
    "another generation": lambda: signed({3: page(b"/Contents 4 1 R")}),
    "a signed number for a reference": lambda: signed({3: page(b"/Contents +4 0 R")}),
    "a comment in a reference": lambda: signed({3: page(b"/Contents 4 % 6\n 0 R"), 6: _OTHER}),
    "a stream that is longer than it says": lambda: signed(
        {4: b"<</Length %d>>stream\n%s %s\nendstream" % (len(TEXT), TEXT, OTHER_TEXT)}
    ),
    "two contents, set right later": _set_right_later,
    "two contents, written after signing": _two_contents_later,
    "an update that some begin to read at": _beginning_elsewhere,
    "a text that is marked as free": _free_text,
    "a text that is marked as free after signing": _freed_later,
}
for _name, _build in CASES.items():
    register("readings", _name, _build, FORMAT, UNEXPLAINED, UNREADABLE)


def overlapped(shape: Shape) -> bytes:
    made = overlapping.prepared(shape)
    start, length = made.gap
    return made.filled(Recipe()(made.content[:start] + made.content[start + length :]))


_OVERLAPPING = overlapping.OVERLAPPING | overlapping.BROKEN | {"a note": overlapping.HIDDEN["a note"]}
for _name, _shape in _OVERLAPPING.items():
    register("readings", f"the gap in {_name}", partial(overlapped, _shape), FORMAT)
