"""Incremental saving: something is appended after the signature, in every way in which files can grow."""

from __future__ import annotations

import re
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.attacks.registry import FORMAT, HASH, UNEXPLAINED, UNSIGNED, attack, register
from tests.attacks.victims import GOOD, approved, by_hand, certified, lasting, next_signature
from tests.attacks.writing import (
    FONT,
    OTHER_TEXT,
    RED_BOX,
    number_of,
    present,
    root_of,
    section,
    startxref,
    stream,
    written,
)
from tests.verification.documents import add_document_timestamp, change, stamper

NAME = generic.pdf_name
_FAMILY = "incremental saving"
TAILS = (
    b"x",
    b"\0",
    b" ",
    b"\n",
    b"\n\n\n",
    b"%",
    b"%%EOF",
    b"% a comment\n",
    b"\nstartxref\n0\n%%EOF\n",
    b"1 0 obj\n<<>>\nendobj\n",
    b" " * 2000,
    b"\n" * 2000,
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"trailer\n<</Root 1 0 R>>\n",
)
_EVIL = b"4 0 obj\n" + stream(OTHER_TEXT) + b"\nendobj\n"


def first_page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page: generic.DictionaryObject = writer.root["/Pages"]["/Kids"][0]
    return page


def draw_over_page(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    drawing = writer.add_object(generic.StreamObject(stream_data=RED_BOX))
    page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), drawing])
    writer.update_container(page)


def replace_content(writer: IncrementalPdfFileWriter) -> None:
    drawn = first_page(writer)["/Contents"]
    drawn._data, drawn._encoded_data = RED_BOX, None
    writer.mark_update(first_page(writer).raw_get("/Contents").reference)


def swap_pages(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    pages["/Kids"] = generic.ArrayObject(reversed([pages["/Kids"].raw_get(index) for index in range(2)]))
    writer.update_container(pages)


def drop_page(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    if len(pages["/Kids"]) == 1:
        raise ValueError("one page only")
    pages["/Kids"] = generic.ArrayObject([pages["/Kids"].raw_get(0)])
    pages["/Count"] = generic.NumberObject(1)
    writer.update_container(pages)


def repeat_page(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    kids = [pages["/Kids"].raw_get(index) for index in (0, 1, 0)]
    pages["/Kids"], pages["/Count"] = generic.ArrayObject(kids), generic.NumberObject(3)
    writer.update_container(pages)


def turn_page(writer: IncrementalPdfFileWriter) -> None:
    first_page(writer)["/Rotate"] = generic.NumberObject(180)
    writer.update_container(first_page(writer))


def crop_page(writer: IncrementalPdfFileWriter) -> None:
    first_page(writer)["/CropBox"] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 400)))
    writer.update_container(first_page(writer))


def act_on_opening(writer: IncrementalPdfFileWriter) -> None:
    action = {NAME("/S"): NAME("/JavaScript"), NAME("/JS"): generic.pdf_string("app.alert(1)")}
    writer.root["/OpenAction"] = generic.DictionaryObject(action)
    writer.update_root()


def name_scripts(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/Names"] = generic.DictionaryObject({NAME("/JavaScript"): generic.DictionaryObject()})
    writer.update_root()


def act_on_a_page(writer: IncrementalPdfFileWriter) -> None:
    first_page(writer)["/AA"] = generic.DictionaryObject({NAME("/O"): generic.DictionaryObject()})
    writer.update_container(first_page(writer))


def new_page_tree(writer: IncrementalPdfFileWriter) -> None:
    pages = generic.DictionaryObject(writer.root["/Pages"])
    writer.root["/Pages"] = writer.add_object(pages)
    writer.update_root()


def hide_by_layers(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/OCProperties"] = generic.DictionaryObject()
    writer.update_root()


def lower_permissions(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/Perms"] = generic.DictionaryObject()
    writer.update_root()


def attach(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/AF"] = generic.ArrayObject()
    writer.update_root()


def renew_content(writer: IncrementalPdfFileWriter) -> None:
    """The page's contents, freed and used again: another text under the same number and the next generation."""
    contents = first_page(writer).raw_get("/Contents")
    writer.objects[(contents.generation + 1, contents.idnum)] = generic.StreamObject(stream_data=OTHER_TEXT)


def round_boxes(writer: IncrementalPdfFileWriter) -> None:
    """Boxes with fewer digits, by which a seventh of a point goes."""
    page = first_page(writer)
    page["/MediaBox"] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 841)))
    writer.update_container(page)


EDITS: dict[str, Callable[[IncrementalPdfFileWriter], None]] = {
    each.__name__.replace("_", " "): each
    for each in (
        draw_over_page, replace_content, swap_pages, drop_page, repeat_page, turn_page, crop_page, act_on_opening,
        name_scripts, act_on_a_page, new_page_tree, hide_by_layers, lower_permissions, attach,
        renew_content, round_boxes,
    )
}  # fmt: skip

for _tail in TAILS:
    register(_FAMILY, f"appended {_tail[:24]!r} ({len(_tail)})", lambda tail=_tail: lasting() + tail, FORMAT)
for _name, _edit in EDITS.items():
    register(
        _FAMILY,
        _name,
        lambda edit=_edit: change(certified(), edit),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )
    register(
        _FAMILY,
        f"{_name}, under a further signature",
        lambda edit=_edit: next_signature(change(certified(), edit)),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )
    register(
        _FAMILY,
        f"{_name}, under a document timestamp",
        lambda edit=_edit: add_document_timestamp(change(certified(), edit), stamper(GOOD)),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )


def _size(document: bytes) -> int:
    return max(int(each) for each in re.findall(rb"/Size (\d+)", document))


def _trailer(document: bytes, entries: bytes = b"") -> bytes:
    return b"trailer\n<</Size %d/Root %s%s>>\n" % (_size(document), root_of(document), entries)


def _tables() -> dict[str, bytes]:
    """Updates with a cross-reference section that is missing, odd, or leads elsewhere."""
    document = by_hand()
    at, start = len(document), len(document) + len(_EVIL)
    last, first = startxref(document), int(re.findall(rb"startxref\s+(\d+)", document)[0])
    entry = b"xref\n4 1\n%010d 00000 n \n" % at
    back = _trailer(document, b"/Prev %d" % last)
    end = b"startxref\n%d\n%%%%EOF\n"
    return {
        "no section": _EVIL,
        "no section, a trailer": _EVIL + back + end % start,
        "no section, the old startxref": _EVIL + end % last,
        "no section, only %%EOF": _EVIL + b"%%EOF\n",
        "section without trailer": _EVIL + entry + end % start,
        "trailer without /Prev": _EVIL + entry + _trailer(document) + end % start,
        "trailer without /Root": _EVIL + entry + b"trailer\n<</Size 99/Prev %d>>\n" % last + end % start,
        "trailer without /Size": _EVIL + entry + b"trailer\n<</Root 1 0 R/Prev %d>>\n" % last + end % start,
        "/Prev to itself": _EVIL + entry + _trailer(document, b"/Prev %d" % start) + end % start,
        "/Prev to nothing": _EVIL + entry + _trailer(document, b"/Prev 3") + end % start,
        "/Prev 0": _EVIL + entry + _trailer(document, b"/Prev 0") + end % start,
        "/Prev negative": _EVIL + entry + _trailer(document, b"/Prev -1") + end % start,
        "/Prev a reference": _EVIL + entry + _trailer(document, b"/Prev 4 0 R") + end % start,
        "/Prev past the end": _EVIL + entry + _trailer(document, b"/Prev 99999999") + end % start,
        "/Prev past the signed revision": _EVIL + entry + _trailer(document, b"/Prev %d" % first) + end % start,
        "/Prev twice": _EVIL + entry + _trailer(document, b"/Prev %d/Prev %d" % (last, first)) + end % start,
        "/XRefStm to an object": _EVIL
        + entry
        + _trailer(document, b"/Prev %d/XRefStm %d" % (last, at))
        + end % start,
        "startxref to the old section": _EVIL + entry + back + end % last,
        "startxref to nowhere": _EVIL + entry + back + end % 7,
        "startxref negative": _EVIL + entry + back + b"startxref\n-5\n%%EOF\n",
        "no startxref": _EVIL + entry + back + b"%%EOF\n",
        "no %%EOF": _EVIL + entry + back + b"startxref\n%d\n" % start,
        "well-formed": _EVIL + entry + back + end % start,
        "of another generation": (
            _EVIL.replace(b"4 0 obj", b"4 1 obj") + entry.replace(b"00000 n", b"00001 n") + back + end % start
        ),
        "two sections in one": _EVIL + entry + entry + back + end % start,
        "an object stream": _in_stream(document),
        "a free entry": b"xref\n4 1\n0000000000 00001 f \n" + back + end % at,
        "a free entry, and the page listed again": (
            b"xref\n4 1\n0000000000 00001 f \n3 1\n%010d 00000 n \n" % document.index(b"3 0 obj") + back + end % at
        ),
        "content moved to the trailer's catalogue": (
            b"xref\n0 0\ntrailer\n<</Size %d/Root 2 0 R/Prev %d>>\n" % (_size(document), last) + end % at
        ),
        "encryption declared": b"xref\n0 0\n" + _trailer(document, b"/Prev %d/Encrypt<<>>" % last) + end % at,
        "an older revision again": b"xref\n0 0\n" + _trailer(document, b"/Prev %d" % first) + end % at,
    }


def _in_stream(document: bytes) -> bytes:
    """The page inside an object stream, with other contents."""
    page = present(document, 3).replace(b"/Contents 4 0 R", b"/Contents 93 0 R")
    member = b"3 0 " + page
    at = len(document)
    objects, places = b"", []
    for number, text in (
        (91, stream(member, b"/Type/ObjStm/N 1/First 4")),
        (93, stream(OTHER_TEXT)),
    ):
        places.append(at + len(objects))
        objects += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = at + len(objects)
    rows = (
        b"\x02" + (91).to_bytes(4, "big") + b"\0",
        b"\x01" + places[0].to_bytes(4, "big") + b"\0",
        b"\x01" + table.to_bytes(4, "big") + b"\0",
        b"\x01" + places[1].to_bytes(4, "big") + b"\0",
    )
    keys = b"/Type/XRef/W[1 4 1]/Index[3 1 91 3]/Size 94/Root %s/Prev %d" % (
        root_of(document),
        startxref(document),
    )
    return objects + b"92 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(b"".join(rows), keys), table)


_BEFORE_SIGNING = ("/Prev past the signed revision", "an older revision again")
"""What is read then has no signature, and the one in the bytes is said to be there."""

for _name in _tables():
    register(
        _FAMILY,
        f"table: {_name}",
        lambda name=_name: by_hand() + _tables()[name],
        *(UNSIGNED,) if _name in _BEFORE_SIGNING else (FORMAT, HASH, UNEXPLAINED),
    )


@attack(_FAMILY, "loop of two sections", FORMAT, HASH, UNEXPLAINED)
def loop() -> bytes:
    document = by_hand()
    first = section({}, len(document), after=document, previous=len(document) + 110)
    second_at = len(document) + len(first)
    first = section({}, len(document), after=document, previous=second_at)
    second = section({}, second_at, after=document, previous=len(document))
    return document + first + second


@attack(_FAMILY, "a copy of the last section after a comment", FORMAT)
def copied_section() -> bytes:
    document = certified()
    return document + b"% evil\n" + document[document.rindex(b"startxref") :]


@attack(_FAMILY, "ten revisions, the change in the middle one", FORMAT, UNEXPLAINED)
def many_revisions() -> bytes:
    document = by_hand()
    for number in range(10):
        document = written({4: stream(OTHER_TEXT)} if number == 5 else {90 + number: b"<<>>"}, after=document)
    return document


@attack(_FAMILY, "changed, and changed back", FORMAT, UNEXPLAINED)
def changed_back() -> bytes:
    document = by_hand()
    original = present(document, 4)
    return written({4: original}, after=written({4: stream(OTHER_TEXT)}, after=document))


@attack(_FAMILY, "the page's resources replaced", FORMAT, UNEXPLAINED)
def other_font() -> bytes:
    return written({5: FONT.replace(b"Helvetica", b"Symbol")}, after=by_hand())


@attack(_FAMILY, "the signature taken out of the form", UNSIGNED, says="form does not lead to")
def no_form() -> bytes:
    """The signature stays in the bytes; the form no longer leads to it."""
    document = by_hand()
    root = int(root_of(document).split()[0])
    bare = re.sub(rb"/AcroForm\s+\d+ 0 R", b"", present(document, root))
    return written({root: bare, 4: stream(OTHER_TEXT)}, after=document)


@attack(_FAMILY, "the signature's field emptied", UNSIGNED, says="form does not lead to")
def emptied_field() -> bytes:
    document = by_hand()
    value = number_of(document, rb"/ByteRange")
    holder = number_of(document, rb"/V %d 0 R" % value)
    return written(
        {holder: present(document, holder).replace(b"/V %d 0 R" % value, b""), 4: stream(OTHER_TEXT)},
        after=document,
    )


@attack(_FAMILY, "in front of the header", HASH, FORMAT)
def in_front() -> bytes:
    return b"% evil\n" + by_hand()


@attack(_FAMILY, "in a document signed but not certified", FORMAT, UNEXPLAINED)
def in_an_approved_one() -> bytes:
    return change(approved(), draw_over_page)
