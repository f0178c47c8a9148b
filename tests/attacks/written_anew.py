"""What programs write anew when they sign after others: numbers of objects used again under another generation,
the boxes of a page with fewer digits, the same validation data in another store. The good files, and the attacks
that hide behind each of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.verification import Level
from tests.attacks import good
from tests.attacks.incremental import first_page, replace_content
from tests.attacks.leniency import both
from tests.attacks.permitted import new_field
from tests.attacks.registry import FORMAT, UNEXPLAINED, UNREADABLE, register
from tests.attacks.victims import GOOD, Edit, next_signature, shown, signing
from tests.attacks.writing import FONT, OTHER_TEXT, PAGE, TEXT, contract, present, stream, written
from tests.pdf import documents as originals
from tests.verification.authorities import revocation_list
from tests.verification.documents import add_validation_data, change, sign, with_fields

NAME = generic.pdf_name
_DRAWN = TEXT + b" /X Do"
_SHARED = {
    1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[11 0 R]>>>>",
    3: PAGE.replace(b"<<>>", b"<</Font<</F1 5 0 R>>/XObject<</X 12 0 R>>>>/Annots[11 0 R]") % b"4 0 R",
    4: stream(_DRAWN),
    5: FONT,
    11: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/F 132/Rect[72 72 272 132]/P 3 0 R/AP<</N 12 0 R>>>>",
    12: shown(b"q Q"),
}
"""What the waiting field shows is drawn on the page, too."""


def _packed(document: bytes) -> bytes:
    return originals.changed(lambda pdf: None, document, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _waiting(packed: bool) -> bytes:
    """A contract with a field that waits, signed once, in another one."""
    document = with_fields(written(contract()), "first", "second")
    return sign(_packed(document) if packed else document, signing("first"))


def _shared(packed: bool) -> bytes:
    document = with_fields(written(contract(_SHARED)), "first")
    return sign(_packed(document) if packed else document, signing("first"))


Found = Callable[[IncrementalPdfFileWriter], Any]


def _used_again(find: Found, value: Callable[[IncrementalPdfFileWriter], Any]) -> Edit:
    """The number of the reference that is found is used for another object, under the next generation."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        reference = find(writer)
        writer.objects[(reference.generation + 1, reference.idnum)] = value(writer)

    return edit


def _picture_of(name: str) -> Found:
    def find(writer: IncrementalPdfFileWriter) -> Any:
        fields = [each.get_object() for each in writer.root["/AcroForm"]["/Fields"]]
        return next(each["/AP"].raw_get("/N") for each in fields if each["/T"] == name)

    return find


def _text(data: bytes) -> Callable[[IncrementalPdfFileWriter], Any]:
    return lambda writer: generic.StreamObject(stream_data=data)


def _other_page(writer: IncrementalPdfFileWriter) -> Any:
    page = generic.DictionaryObject(first_page(writer))
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=OTHER_TEXT))
    return page


_CONTENTS: Found = lambda writer: first_page(writer).raw_get("/Contents")  # noqa: E731
_ANEW: dict[str, tuple[Found, Callable[[IncrementalPdfFileWriter], Any]]] = {
    "the page's contents": (_CONTENTS, _text(OTHER_TEXT)),
    "the page": (lambda writer: writer.root["/Pages"]["/Kids"].raw_get(0), _other_page),
    "the pages": (lambda writer: writer.root.raw_get("/Pages"), lambda writer: writer.root["/Pages"]),
    "the catalogue": (lambda writer: writer.root_ref, lambda writer: writer.root),
    "a typeface": (
        lambda writer: first_page(writer)["/Resources"]["/Font"].raw_get("/F1"),
        lambda writer: generic.DictionaryObject({NAME("/Type"): NAME("/Font"), NAME("/Subtype"): NAME("/Type3")}),
    ),
    "the other signature's picture": (_picture_of("first"), _text(OTHER_TEXT)),
}
_EMPTY = _text(b"")

for _is_packed in (False, True):
    _where = "in object streams" if _is_packed else "in tables"
    good.register(
        "written anew", f"the number of the picture before, {_where}",
        lambda packed=_is_packed: next_signature(
            _waiting(packed), edit=_used_again(_picture_of("second"), _EMPTY)
        ),
        Level.T,
    )  # fmt: skip
    for _name, (_find, _value) in _ANEW.items():
        register(
            "written anew", f"another generation: {_name}, {_where}",
            lambda packed=_is_packed, find=_find, value=_value: next_signature(
                _waiting(packed), edit=_used_again(find, value)
            ),
            FORMAT, UNEXPLAINED, UNREADABLE,
        )  # fmt: skip
    register(
        "written anew", f"another generation: a picture that the page draws, {_where}",
        lambda packed=_is_packed: next_signature(
            _shared(packed), edit=_used_again(_picture_of("second"), _text(b"1 0 0 rg 0 0 300 100 re f"))
        ),
        FORMAT, UNEXPLAINED, UNREADABLE,
    )  # fmt: skip


# boxes and private data of a page

_SHEET = b"[0 0 595.303937007874 841.889763779528]"
_PRIVATE = b"/PieceInfo<</App<</LastModified(D:20260101000000Z)/Private 7>>>>/StructParents 0"


def _boxed(edit: Edit, *, existing: bool = False) -> bytes:
    page = contract()[3].replace(b"[0 0 600 800]", _SHEET + _PRIVATE)
    document = with_fields(written(contract({3: page})), "first", "second")
    document = sign(document, signing("first"))
    if existing:
        return next_signature(document, edit=edit)
    return next_signature(document, "new", edit, new_field=new_field())


def _box(width: str, height: str = "841.889764", *, key: str = "/MediaBox", left: str = "0") -> Edit:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        page[key] = generic.ArrayObject(map(generic.FloatObject, (left, "0", width, height)))
        writer.update_container(page)

    return edit


def _without(*keys: str) -> Edit:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        for key in keys:
            del page[key]
        writer.update_container(page)

    return edit


def _other_private(writer: IncrementalPdfFileWriter) -> None:
    first_page(writer)["/PieceInfo"]["/App"]["/Private"] = generic.NumberObject(8)
    writer.update_container(first_page(writer))


for _place in ("existing", "new"):
    _made = partial(_boxed, existing=_place == "existing")
    for _name, _edit in {
        "the page's box rounded": _box("595.303937"),
        "the page's box cut off": _box("595.3039", "841.8897"),
        "private data taken away": _without("/PieceInfo"),
        "both": both(_box("595.3039370079", "841.8897637795"), _without("/PieceInfo")),
    }.items():
        good.register(
            "written anew", f"{_name}, {_place} field", lambda make=_made, edit=_edit: make(edit), Level.T
        )
    for _name, _edit in {
        "the box cut to whole points": _box("595", "841"),
        "the box a hundredth wider": _box("595.31"),
        "the box moved, with as many digits": _box("595.303937007875", "841.889763779528"),
        "the box with more digits": _box("595.30393700787401"),
        "the box moved to the left": _box("595.303937", left="-100"),
        "another box": _box("300", key="/CropBox"),
        "private data exchanged": _other_private,
        "a mark of the structure taken away as well": _without("/PieceInfo", "/StructParents"),
    }.items():
        register(
            "written anew", f"{_name}, {_place} field", lambda make=_made, edit=_edit: make(edit),
            FORMAT, UNEXPLAINED,
        )  # fmt: skip


# validation data


def _stored_anew(document: bytes) -> bytes:
    """*document* with another store that lists the same streams."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        store = writer.root["/DSS"]
        lists = {
            NAME(key): generic.ArrayObject([store[key].raw_get(index) for index in range(len(store[key]))])
            for key in ("/Certs", "/CRLs") if key in store
        }  # fmt: skip
        writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(lists))
        writer.update_root()

    return change(document, edit)


def _stored() -> bytes:
    document = sign(with_fields(written(contract()), "first", "second"), signing("first"))
    crls = [revocation_list(each) for each in (GOOD.issuing, GOOD.root)]
    return add_validation_data(document, [GOOD.tsa, GOOD.issuing], crls)


def _drawn_out_of_former_store() -> bytes:
    """The list of certificates in the first store is the page's list of contents; the second store has a list of
    its own, and what both lead to is then written anew."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/DSS 20 0 R>>",
        3: contract()[3].replace(b"4 0 R", b"21 0 R"),
        20: b"<</Type/DSS/Certs 21 0 R>>",
        21: b"[4 0 R]",
    }
    document = sign(with_fields(written(contract(objects)), "first", "second"), signing("first"))
    document = _stored_anew(document)
    return next_signature(written({4: stream(OTHER_TEXT)}, after=document))


# the form's resources, in an object of their own


def _resourceful(page_too: bool, packed: bool) -> bytes:
    """The form's typefaces are in an object (20), and maybe the page's are that too."""
    page = contract()[3].replace(b"<</F1 5 0 R>>", b" 20 0 R") if page_too else contract()[3]
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/DR 21 0 R>>>>",
        3: page,
        4: stream(TEXT + b" BT /Later 18 Tf 72 600 Td (or 900 euro) Tj ET"),
        20: b"<</F1 5 0 R>>",
        21: b"<</Font 20 0 R>>",
    }
    document = with_fields(written(contract(objects)), "first", "second")
    return sign(_packed(document) if packed else document, signing("first"))


def _typeface(name: str) -> Edit:
    """The form has a typeface *name* (more, or another one)."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        typeface = {"/Type": NAME("/Font"), "/Subtype": NAME("/Type1"), "/BaseFont": NAME("/Courier")}
        value = generic.DictionaryObject({NAME(key): each for key, each in typeface.items()})
        fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
        fonts[name] = writer.add_object(value)
        writer.update_container(fonts)

    return edit


for _is_packed in (False, True):
    _where = "in object streams" if _is_packed else "in tables"
    good.register(
        "written anew", f"another typeface in the form's list, {_where}",
        lambda packed=_is_packed: next_signature(_resourceful(False, packed), edit=_typeface("/Later")), Level.T,
    )  # fmt: skip
    register(
        "written anew", f"a typeface of the form exchanged, {_where}",
        lambda packed=_is_packed: next_signature(_resourceful(False, packed), edit=_typeface("/F1")),
        FORMAT, UNEXPLAINED,
    )  # fmt: skip
    register(
        "written anew", f"the form's list is the page's, which waits for the typeface, {_where}",
        lambda packed=_is_packed: next_signature(_resourceful(True, packed), edit=_typeface("/Later")),
        FORMAT, UNEXPLAINED,
    )  # fmt: skip


# a hybrid file (7.5.8.4) has a number free that is private data for newer programs, and is used for the form then


def _hybrid(private: bytes, edit: Edit) -> bytes:
    """The form of a hybrid file has the number that the page has as *private*, and a field is made in it later."""
    document = originals.hybrid().replace(b"/PieceInfo", private)
    page = present(document, 3)
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 7 0 R>>",
        3: page[:-2] + b"/Annots 10 0 R>>",
        7: b"<</Fields[9 0 R]>>",
        9: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(first)/F 132/Rect[0 0 0 0]/P 3 0 R>>",
        10: b"[9 0 R]",
    }
    document = sign(written(objects, after=document), signing("first"))
    return next_signature(document, "new", edit, new_field=new_field())


def _nothing(writer: IncrementalPdfFileWriter) -> None:
    """The signature alone."""


good.register("written anew", "a form where private data was", lambda: _hybrid(b"/PieceInfo", _nothing), Level.T)
register(
    "written anew", "a form that is the page's description, too",
    lambda: _hybrid(b"/Metadata ", _nothing), FORMAT, UNEXPLAINED, UNREADABLE,
)  # fmt: skip
register(
    "written anew", "a form where private data was, over another page",
    lambda: _hybrid(b"/PieceInfo", replace_content), FORMAT, UNEXPLAINED, UNREADABLE,
)  # fmt: skip

good.register("written anew", "the store", lambda: _stored_anew(_stored()), Level.LT)
good.register("written anew", "the store, then signed", lambda: next_signature(_stored_anew(_stored())), Level.LT)
register(
    "written anew", "contents out of a former store", _drawn_out_of_former_store, FORMAT, UNEXPLAINED, UNREADABLE
)
__all__: list[str] = []
