"""Shadow attacks: prepared before signing, so that what looks harmless afterwards hides, replaces, or both.

Each has two halves, an honest-looking document that gets signed (it must pass then) and an update.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.attacks.incremental import first_page
from tests.attacks.recipes import Recipe
from tests.attacks.registry import FORMAT, HASH, UNEXPLAINED, UNSIGNED, register
from tests.attacks.victims import GOOD, shown, signing
from tests.attacks.writing import (
    FONT,
    OTHER_TEXT,
    PAGE,
    PAGES,
    RED_BOX,
    TEXT,
    contract,
    placeholder,
    present,
    root_of,
    sealed,
    section,
    startxref,
    stream,
    written,
)
from tests.verification.documents import add_document_timestamp, change, plain, sign, stamper, with_fields

NAME = generic.pdf_name


def prepared(catalogue: bytes = b"", page: bytes = PAGE % b"5 0 R", **others: bytes) -> dict[int, bytes]:
    objects = {1: b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue, 2: PAGES, 3: page, 4: stream(b"q Q")}
    return objects | {int(name[1:]): value for name, value in others.items()}


LAYERED = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Properties<</L 7 0 R>>>>/Contents 5 0 R>>"
LAYERS = {
    "n5": stream(b"/OC /L BDC " + RED_BOX + b" EMC"),
    "n6": b"<</OCGs[7 0 R]/D<</OFF[7 0 R]>>>>",
    "n7": b"<</Type/OCG/Name(x)>>",
}
SHOWN = {6: b"<</OCGs[7 0 R]/D<<>>>>"}
WIDGET = b"/Type/Annot/Subtype/Widget/FT/Sig/T(z)/F 132/Rect[0 0 0 0]/P 3 0 R"
WAITING = {form: prepared(n5=b"[ 4 0 R %s ]" % form) for form in (
    b"900 0 R", b"900 +0 R", b"900.0 0 R", b"900 0.0 R", b"900 -0 R", b"+900 0 R", b"900 0 %x\nR", b"0900 00 R"
)}  # fmt: skip

CASES = {
    **{f"waits as {form.decode()!r}": (base, {900: stream(RED_BOX)}) for form, base in WAITING.items()},
    "layers in a VRI entry": (
        prepared(b"/OCProperties 6 0 R/DSS<</VRI<</A 6 0 R>>>>", LAYERED, **LAYERS),
        SHOWN,
    ),
    "layers as metadata": (prepared(b"/OCProperties 6 0 R/Metadata 6 0 R", LAYERED, **LAYERS), SHOWN),
    "pages in a VRI entry": (
        prepared(b"/DSS<</VRI<</A<</Cert[2 0 R]>>>>>>", n5=stream(b"q Q")),
        {5: stream(RED_BOX)},
    ),
    "resources in a VRI entry": (
        prepared(
            b"/DSS<</VRI<</A 6 0 R>>>>/Extensions 6 0 R",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources 6 0 R/Contents 5 0 R>>",
            n5=stream(b"/X Do"),
            n6=b"<</XObject<</X 7 0 R>>/Cert[7 0 R]>>",
            n7=stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"),
        ),
        {7: stream(RED_BOX, b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]")},
    ),
    "the store's list is the page's": (
        prepared(b"/DSS<</Certs 5 0 R>>", n5=b"[4 0 R]"),
        {4: stream(RED_BOX)},
    ),
    "the store's list grows on the page": (
        prepared(b"/DSS<</Certs 5 0 R>>", n5=b"[4 0 R]"),
        {5: b"[4 0 R 900 0 R]", 900: stream(RED_BOX)},
    ),
    "the store in a string of the contents": (
        prepared(b"/DSS 6 0 R", n5=b"[ 4 0 R (6 0 obj\n<</Certs[7 0 R]>>\nendobj\n) 7 0 R ]", n7=stream(b"q Q")),
        {7: stream(RED_BOX)},
    ),
    "the list of fields is the page's": (
        prepared(b"/AcroForm<</Fields 5 0 R/SigFlags 3>>", n5=b"[]"),
        {5: b"[%s900 0 R]", 900: stream(RED_BOX, WIDGET)},
    ),
}


def signed(base: bytes) -> bytes:
    """*base* with a field, signed."""
    return sign(with_fields(base, "one"), signing("one"))


def _revealed(case: str) -> bytes:
    base, later = CASES[case]
    document = signed(written(base))
    present_list = re.findall(rb"\n5 0 obj\s*\[(.*?)\]", document, re.DOTALL)
    update = {
        number: value.replace(b"%s", present_list[-1] + b" ") if b"%s" in value else value
        for number, value in later.items()
    }
    return written(update, after=document)


for _case in CASES:
    register("shadow", _case, partial(_revealed, _case), FORMAT, UNEXPLAINED)

SIZE, PREVIOUS = b"/Size 99", b"/Prev %d"
HIDDEN = b"4 0 obj\n" + stream(RED_BOX) + b"\nendobj\n"
SECTIONS = {
    "an object that no section lists": (HIDDEN, b"0 0\n", SIZE + PREVIOUS),
    "short entries": (b"", b"0 1\n0000000000 65535 f\n", SIZE + PREVIOUS),
    "a number beyond all": (b"", b"2147483648 1\n0000000015 00000 n \n", SIZE + PREVIOUS),
    "no size": (b"", b"0 0\n", b"/Size 1" + PREVIOUS),
    "a negative size": (b"", b"0 0\n", b"/Size -1" + PREVIOUS),
    "two sizes": (b"", b"0 0\n", SIZE + b"/Size 1" + PREVIOUS),
    "two ways back": (b"", b"0 0\n", SIZE + PREVIOUS + b"/Prev 0"),
    "an escaped key": (b"", b"0 0\n", SIZE + PREVIOUS + b"/Siz#65 1"),
    "the catalogue twice the same key": (
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R/Pages 4 0 R%s>>\nendobj\n",
        b"",
        SIZE + PREVIOUS,
    ),
}


def _sectioned(case: str) -> bytes:
    """Readers search the file for objects when a section is odd, and show what nothing lists."""
    body, table, trailer = SECTIONS[case]
    document = signed(written(prepared(n5=stream(b"q Q"))))
    form = re.findall(rb"/AcroForm \d+ 0 R", document)[-1]
    body = body.replace(b"%s", form)
    table = table or b"1 1\n%010d 00000 n \n" % len(document)
    filled = trailer.replace(b"%d", b"%d" % startxref(document))
    closing = b"xref\n%strailer\n<</Root 1 0 R%s>>\n" % (table, filled)
    return document + body + closing + b"startxref\n%d\n%%%%EOF\n" % len(document + body)


for _case in SECTIONS:
    register("shadow", f"section: {_case}", partial(_sectioned, _case), FORMAT, HASH, UNEXPLAINED)


def _twice_in_a_stream() -> bytes:
    """A key twice in the catalogue, inside an object stream."""
    document = signed(written(prepared(n5=stream(b"q Q"))))
    member = b"1 0 " + present(document, 1).replace(b"/Pages 2 0 R", b"/Pages 2 0 R/Pages 80 0 R")
    container = stream(member, b"/Type/ObjStm/N 1/First 4")
    first, second = len(document), len(document) + len(container) + len(b"90 0 obj\n\nendobj\n")
    entries = b"\x02%s\0\x01%s\0\x01%s\0" % tuple(each.to_bytes(4, "big") for each in (90, first, second))
    keys = b"/Type/XRef/W[1 4 1]/Index[1 1 90 2]/Size 92/Root 1 0 R/Prev %d" % startxref(document)
    objects = b"90 0 obj\n%s\nendobj\n91 0 obj\n%s\nendobj\n" % (container, stream(entries, keys))
    return document + objects + b"startxref\n%d\n%%%%EOF\n" % second


register("shadow", "section: a key twice inside an object stream", _twice_in_a_stream, FORMAT, UNEXPLAINED)


# hide: something lies over the true text when it is signed, and goes away

_PICTURE = b"/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
_COVERED = b"q 300 0 0 40 60 690 cm /Im Do Q BT /F1 18 Tf 72 640 Td (Harmless) Tj ET"


def _hiding() -> dict[int, bytes]:
    page = contract()[3].replace(b"/Font<<", b"/XObject<</Im 6 0 R>>/Font<<")
    return contract({3: page, 4: stream(TEXT + b" " + _COVERED), 6: stream(b"\xff", _PICTURE)})


def _overlaid(flags: int) -> dict[int, bytes]:
    note = b"<</Type/Annot/Subtype/Stamp/F %d/Rect[60 690 400 730]/AP<</N 12 0 R>>>>" % flags
    return contract({11: note, 12: shown(b"1 1 1 rg 0 0 600 800 re f", b"0 0 340 40")}, annotations=b"11 0 R")


def freed(document: bytes, number: int) -> bytes:
    table = b"xref\n%d 1\n0000000000 00001 f \n" % number
    size = max(number + 1, *map(int, re.findall(rb"/Size (\d+)", document)))
    keys = b"trailer\n<</Size %d/Root %s/Prev %d>>\n" % (size, root_of(document), startxref(document))
    return document + table + keys + b"startxref\n%d\n%%%%EOF\n" % len(document)


def _listed_within() -> bytes:
    """The contents are freed, and the bytes that refer to them are listed as another object, unused and unchanged:
    it begins in a string of the page."""
    page = contract(annotations=b"7 0 R")[3].replace(b"/Contents", b"/Note( 90 0 obj<<>>endobj)/Contents")
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(one)/F 132/Rect[0 0 0 0]/P 3 0 R/V 8 0 R>>"
    catalogue = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/SigFlags 3>>>>"
    objects = {1: catalogue, 3: page, 7: field, 8: placeholder(), 90: b"<<>>"}
    document = sealed(written(contract(objects)), Recipe())
    place = document.index(b"( 90 0 obj") + 2
    rows = b"xref\n4 1\n0000000000 00001 f \n90 1\n%010d 00000 n \n" % place
    keys = b"trailer\n<</Size 91/Root 1 0 R/Prev %d>>\n" % startxref(document)
    return document + rows + keys + b"startxref\n%d\n%%%%EOF\n" % len(document)


HIDE: dict[str, Callable[[], bytes]] = {
    "the contents freed, what refers to them counted for another object": _listed_within,
    "the covering picture freed": lambda: freed(signed(written(_hiding())), 6),
    "the covering picture null": lambda: written({6: b"null"}, after=signed(written(_hiding()))),
    "the covering picture of no size": lambda: written(
        {6: stream(b"", _PICTURE.replace(b"Width 1", b"Width 0"))}, after=signed(written(_hiding()))
    ),
    "the covering picture transparent": lambda: written(
        {6: stream(b"\xff", _PICTURE + b"/Mask[255 255]")}, after=signed(written(_hiding()))
    ),
    "the covering note freed": lambda: freed(signed(written(_overlaid(4))), 11),
    "the covering note's picture freed": lambda: freed(signed(written(_overlaid(4))), 12),
    "the covering note hidden": lambda: written({11: _overlaid(2)[11]}, after=signed(written(_overlaid(4)))),
    "the covering note off the page": lambda: written(
        {11: _overlaid(4)[11].replace(b"[60 690 400 730]", b"[0 0 0 0]")}, after=signed(written(_overlaid(4)))
    ),
    "the hidden note shown": lambda: written({11: _overlaid(4)[11]}, after=signed(written(_overlaid(2)))),
    "the list of notes emptied": lambda: written({3: contract()[3]}, after=signed(written(_overlaid(4)))),
}


# replace: what is shown for the same objects changes


def _with_defaults(writer: IncrementalPdfFileWriter) -> None:
    font = generic.DictionaryObject({NAME("/Type"): NAME("/Font")})
    fonts = generic.DictionaryObject({NAME("/F"): writer.add_object(font)})
    form = writer.root["/AcroForm"]
    form["/DR"] = generic.DictionaryObject({NAME("/Font"): fonts})
    writer.update_container(form)


def _ask_to_draw_anew(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/AcroForm"]["/NeedAppearances"] = generic.BooleanObject(True)
    writer.update_container(writer.root["/AcroForm"])


def _other_typeface(writer: IncrementalPdfFileWriter) -> None:
    fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
    fonts["/F"] = writer.add_object(generic.DictionaryObject({NAME("/Type"): NAME("/Font")}))
    writer.update_container(fonts)


def _defaults(edit: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    document = change(with_fields(plain(1), "one"), _with_defaults)
    return change(sign(document, signing("one")), edit)


def _waiting() -> bytes:
    """The signed page refers to an object that does not exist until after signing."""

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        missing = generic.IndirectObject(900, 0, writer)
        page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), missing])
        writer.update_container(page)

    return written({900: stream(RED_BOX)}, after=signed(change(plain(1), prepare)))


def _shared_with_the_store() -> bytes:
    """A stream shared by the page and the validation store, rewritten as validation data."""
    objects = prepared(b"/DSS<</Certs[6 0 R]>>", PAGE % b"[4 0 R 6 0 R]", n6=stream(b"q Q"))
    return written({6: stream(RED_BOX)}, after=signed(written(objects)))


def _outside_font() -> bytes:
    """A font that is not embedded, and whose widths an update changes."""
    wide = FONT.replace(b"/Helvetica", b"/Helvetica/FirstChar 32/LastChar 126/Widths[%s]" % (b"500 " * 95))
    document = signed(written(contract({5: wide})))
    return written({5: wide.replace(b"500 ", b"900 ")}, after=document)


REPLACE: dict[str, Callable[[], bytes]] = {
    "readers asked to draw fields anew": partial(_defaults, _ask_to_draw_anew),
    "the form's typeface exchanged": partial(_defaults, _other_typeface),
    "an object that waited to be defined": _waiting,
    "a stream that is validation data and page": _shared_with_the_store,
    "the widths of a font": _outside_font,
}


# hide and replace: a whole other document lies unused in the file

_SPARE = {
    21: b"<</Type/Pages/Kids[22 0 R]/Count 1>>",
    22: contract()[3].replace(b"2 0 R", b"21 0 R").replace(b"4 0 R", b"23 0 R"),
    23: stream(OTHER_TEXT),
}


def _spare() -> bytes:
    return signed(written(contract(_SPARE)))


def _catalogue(document: bytes) -> bytes:
    return present(document, int(root_of(document).split()[0]))


def _to_pages(document: bytes, pages: bytes) -> bytes:
    number = int(root_of(document).split()[0])
    return written({number: _catalogue(document).replace(b"/Pages 2 0 R", b"/Pages " + pages)}, after=document)


def _other_place(number: int, spare: int) -> bytes:
    """Only a table: the number now stands at the place of an object that was signed, unused."""
    document = _spare()
    body = document.index(b"\n%d 0 obj" % spare) + 1
    return document + section({number: body}, len(document), after=document)


def _same_number_twice(number: int) -> bytes:
    """Two objects of one number lie in the signed bytes; the table of the update leads to the other one."""
    hidden = b"%d 0 obj\n%s\nendobj\n" % (number, stream(OTHER_TEXT))
    base = written(contract({90: stream(hidden)}))
    document = signed(base)
    place = document.index(hidden)
    return document + section({number: place}, len(document), after=document)


HIDE_AND_REPLACE: dict[str, Callable[[], bytes]] = {
    "the catalogue leads to other pages": lambda: _to_pages(_spare(), b"21 0 R"),
    "the trailer leads to another catalogue": lambda: written(
        {},
        after=signed(written(contract({**_SPARE, 20: b"<</Type/Catalog/Pages 21 0 R>>"}))),
        trailer=b"/Root 20 0 R",
    ),
    "the pages at another place": lambda: _other_place(2, 21),
    "the page at another place": lambda: _other_place(3, 22),
    "the contents at another place": lambda: _other_place(4, 23),
    "the contents inside a stream": lambda: _same_number_twice(4),
    "the page's contents exchanged": lambda: written(
        {3: present(_spare(), 3).replace(b"4 0 R", b"23 0 R")}, after=_spare()
    ),
    "the kids exchanged": lambda: written({2: PAGES.replace(b"3 0 R", b"22 0 R")}, after=_spare()),
    "the page freed, its copy at its number": lambda: written({3: _SPARE[22]}, after=freed(_spare(), 3)),
}

_ODD = ("the pages at another place", "the page at another place", "the covering picture of no size")

for _family, _cases in (("hide", HIDE), ("replace", REPLACE), ("hide and replace", HIDE_AND_REPLACE)):
    for _name, _build in _cases.items():
        register("shadow", f"{_family}: {_name}", _build, FORMAT, HASH, UNEXPLAINED, UNSIGNED)
        if _name in _ODD:
            continue  # the software that would timestamp it cannot read it
        register(
            "shadow",
            f"{_family}: {_name}, under a document timestamp",
            lambda build=_build: add_document_timestamp(build(), stamper(GOOD)),
            FORMAT,
            HASH,
            UNEXPLAINED,
            UNSIGNED,
        )
