"""What may come after a signature: good files by the rules of ISO 32000-2, 12.8.2.2, and EN 319 142-1, 5.4.

The later field was made at signing, as most programs do it, in documents with a structure, with outlines, with
developer extensions, in object streams; certifications that allow to fill fields; rounds of validation data.
:mod:`tests.attacks.leniency` has the attacks on each of these rules.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec

from appliance.verification import Level
from tests.attacks import good
from tests.attacks.registry import LATER, Attempt
from tests.attacks.victims import (
    BOX,
    FIELD,
    GOOD,
    Edit,
    amount,
    certified,
    form,
    form_alone,
    next_signature,
    shown,
    signing,
)
from tests.attacks.writing import FONT, contract, stream, written
from tests.pdf import documents as originals
from tests.verification.authorities import revocation_list
from tests.verification.documents import (
    add_document_timestamp,
    add_validation_data,
    plain,
    sign,
    stamper,
    with_fields,
)

NAME = generic.pdf_name
WHERE = (320, 120, 520, 180)
"""A place on the first page with no text."""

_MARKED = stream(b"/P <</MCID 0>> BDC BT /F1 18 Tf 72 700 Td (The buyer pays 100 euro) Tj ET EMC")
_TREE = {
    1: b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 20 0 R/MarkInfo<</Marked true>>/Lang(en)/Outlines 30 0 R"
    b"/Extensions 40 0 R/Version/1.7>>",
    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R"
    b"/StructParents 0/Tabs/S/Annots[]>>",
    4: _MARKED,
    5: FONT,
    20: b"<</Type/StructTreeRoot/K 21 0 R/ParentTree 22 0 R/ParentTreeNextKey 1/IDTree 25 0 R>>",
    21: b"<</Type/StructElem/S/Document/P 20 0 R/K[23 0 R]>>",
    22: b"<</Nums[0 24 0 R]>>",
    23: b"<</Type/StructElem/S/P/P 21 0 R/K 0/Pg 3 0 R/ID(one)>>",
    24: b"[23 0 R]",
    25: b"<</Names[(one) 23 0 R]>>",
    30: b"<</Type/Outlines/First 31 0 R/Last 32 0 R/Count 2>>",
    31: b"<</Title(Price)/Parent 30 0 R/Next 32 0 R/Dest[3 0 R/XYZ 0 700 0]>>",
    32: b"<</Title(Delivery)/Parent 30 0 R/Prev 31 0 R/A<</S/GoTo/D[3 0 R/Fit]>>>>",
    40: b"<</ADBE<</BaseVersion/1.7/ExtensionLevel 3>>/ISO_<</BaseVersion/1.7/ExtensionLevel 8>>>>",
}
"""A tagged contract with outlines and developer extensions."""


@cache
def tagged(*fields: str) -> bytes:
    """It, signed once, in the first of its *fields* or in a new one."""
    document = written(contract(_TREE))
    if fields:
        return sign(with_fields(document, *fields), signing(fields[0]))
    return sign(document, signing("first", new_field=SigFieldSpec("first", on_page=0, box=(72, 72, 272, 132))))


def new_field(name: str = "new", box: tuple[int, int, int, int] = WHERE) -> SigFieldSpec:
    """A field that is made at signing."""
    return SigFieldSpec(name, on_page=0, box=box)


def signed_anew(document: bytes, edit: Edit | None = None, name: str = "new") -> bytes:
    """*document* signed again in a field that was made for it; *edit* does more in the same revision."""
    return next_signature(document, name, edit, new_field=new_field(name))


def widget_of(writer: IncrementalPdfFileWriter) -> Any:
    """The reference to the newest field."""
    fields = writer.root["/AcroForm"]["/Fields"]
    return fields.raw_get(len(fields) - 1)


def element(
    writer: IncrementalPdfFileWriter, *, role: str = "/Form", more: dict[str, Any] | None = None, key: int = 1
) -> Any:
    """A new element of the structure that holds the newest widget, which has *key* in the parent tree."""
    page, widget = writer.root["/Pages"]["/Kids"].raw_get(0), widget_of(writer)
    widget.get_object()["/StructParent"] = generic.NumberObject(key)
    writer.update_container(widget.get_object())
    kid = {NAME("/Type"): NAME("/OBJR"), NAME("/Obj"): widget, NAME("/Pg"): page}
    value = {
        NAME("/Type"): NAME("/StructElem"),
        NAME("/S"): NAME(role),
        NAME("/P"): writer.root["/StructTreeRoot"].raw_get("/K"),
        NAME("/K"): generic.DictionaryObject(kid),
        **{NAME(name): each for name, each in (more or {}).items()},
    }
    return writer.add_object(generic.DictionaryObject(value))


def hang(writer: IncrementalPdfFileWriter, kid: Any, *, key: int = 1, first: bool = False) -> None:
    """Put the element *kid* below the document's, and the way back to it into the parent tree."""
    root = writer.root["/StructTreeRoot"]
    top = root["/K"]
    before = [top["/K"].raw_get(index) for index in range(len(top["/K"]))]
    top["/K"] = generic.ArrayObject([kid, *before] if first else [*before, kid])
    writer.update_container(top)
    tree = root["/ParentTree"]
    tree["/Nums"] = generic.ArrayObject([*_raw(tree["/Nums"]), generic.NumberObject(key), kid])
    writer.update_container(tree)
    root["/ParentTreeNextKey"] = generic.NumberObject(max(key + 1, root["/ParentTreeNextKey"]))
    writer.update_container(root)


def _raw(array: Any) -> list[Any]:
    return [array.raw_get(index) for index in range(len(array))]


def tag(writer: IncrementalPdfFileWriter, **how: Any) -> None:
    """Add the newest widget to the structure, as programs do."""
    hang(writer, element(writer, **how))


def _second(writer: IncrementalPdfFileWriter) -> None:
    hang(writer, element(writer, key=2), key=2)


def _first_in_order(writer: IncrementalPdfFileWriter) -> None:
    hang(writer, element(writer), first=True)


def _in_a_division(writer: IncrementalPdfFileWriter) -> None:
    """The element lies in another new one, and both are named."""
    inner = element(writer, more={"/ID": generic.pdf_string("two")})
    around = {NAME("/S"): NAME("/Div"), NAME("/P"): writer.root["/StructTreeRoot"].raw_get("/K")}
    outer = writer.add_object(generic.DictionaryObject(around | {NAME("/K"): generic.ArrayObject([inner])}))
    inner.get_object()["/P"] = outer
    hang(writer, outer)
    tree = writer.root["/StructTreeRoot"]["/ParentTree"]
    tree["/Nums"] = generic.ArrayObject([*_raw(tree["/Nums"])[:-1], inner])
    names = writer.root["/StructTreeRoot"]["/IDTree"]
    names["/Names"] = generic.ArrayObject([*_raw(names["/Names"]), generic.pdf_string("two"), inner])
    writer.update_container(names)


def copy_outlines(writer: IncrementalPdfFileWriter, title: str = "Price") -> None:
    """Write the outlines anew under other numbers; *title* is the first one's."""
    old = writer.root["/Outlines"]
    root = writer.add_object(generic.DictionaryObject(old))
    items = [writer.add_object(generic.DictionaryObject(old[key])) for key in ("/First", "/Last")]
    for item, neighbour, key in ((items[0], items[1], "/Next"), (items[1], items[0], "/Prev")):
        item.get_object().update({NAME("/Parent"): root, NAME(key): neighbour})
    items[0].get_object()["/Title"] = generic.pdf_string(title)
    root.get_object().update({NAME("/First"): items[0], NAME("/Last"): items[1]})
    writer.root["/Outlines"] = root
    writer.update_root()


def extend(
    writer: IncrementalPdfFileWriter,
    *,
    level: int = 8,
    base: str = "/1.7",
    version: str = "/2.0",
    keep: bool = True,
) -> None:
    """Write the developer extensions anew, those of ISO with *level*, those of Adobe if *keep*."""
    found = generic.DictionaryObject(writer.root["/Extensions"])
    iso = {NAME("/BaseVersion"): NAME(base), NAME("/ExtensionLevel"): generic.NumberObject(level)}
    listed = found["/ISO_"]
    others = _raw(listed)[1:] if isinstance(listed, generic.ArrayObject) else []
    found[NAME("/ISO_")] = generic.ArrayObject([generic.DictionaryObject(iso), *others])
    if not keep:
        del found["/ADBE"]
    writer.root["/Extensions"] = found
    writer.root["/Version"] = NAME(version)
    writer.update_root()


_TAGGED: dict[str, Callable[[], bytes]] = {
    "a field made at signing": lambda: signed_anew(tagged()),
    "its widget in the structure": lambda: signed_anew(tagged(), tag),
    "an agreed field": lambda: next_signature(tagged("first", "second")),
    "its widget first in the structure": lambda: signed_anew(tagged(), _first_in_order),
    "its widget in a division": lambda: signed_anew(tagged(), _in_a_division),
    "two of them": lambda: signed_anew(signed_anew(tagged(), tag), _second, "third"),
    "the outlines copied": lambda: signed_anew(tagged(), copy_outlines),
    "extensions grown": lambda: signed_anew(tagged(), partial(extend, level=9)),
    "extensions of a higher version": lambda: signed_anew(tagged(), partial(extend, level=1, base="/2.0")),
}  # fmt: skip
for _name, _build in _TAGGED.items():
    good.register("tagged", _name, _build, Level.T)


# full compression: what is written anew lies in object streams


def _compressed_twice() -> bytes:
    document = sign(originals.compressed(), signing("first", new_field=new_field("first", (320, 40, 520, 90))))
    return next_signature(document, "new", new_field=new_field("new", (72, 40, 272, 90)))


good.register("tagged", "object streams, two fields made at signing", _compressed_twice, Level.T)


# certifications that allow to fill fields

TICKED = {13: BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes")}
FILLED = {11: FIELD.replace(b"(100)", b"(200)"), 12: amount(b"200")}


_TEXT_IN = b"/Tx BMC q %s BT /F1 12 Tf %s ET Q EMC"
_WORDS = FIELD.replace(b"(100)", b"(two words, W. and more)")
_PICTURES: dict[str, dict[int, bytes]] = {
    "a framed text": {
        11: _WORDS,
        12: shown(
            b".8 .9 1 rg 0 0 228 40 re f .1 G 1 1 226 38 re S "
            + _TEXT_IN % (b"2 2 224 36 re W n 0 g", b"4 12 Td (two words, W. and more) Tj")
        ),
    },
    "a text on two lines": {
        11: _WORDS,
        12: shown(_TEXT_IN % (b"1 1 226 38 re W n", b"14 TL 4 24 Td (two words,) Tj T* (W. and more) Tj")),
    },
    "a comb": {
        11: FIELD.replace(b"(100)", b"(2-.5)"),
        12: shown(
            b"57 0 m 57 40 l 114 0 m 114 40 l 171 0 m 171 40 l S "
            + _TEXT_IN % (b"", b"24 12 Td (2) Tj 57 0 Td (-) Tj 57 0 Td (.) Tj 57 0 Td (5) Tj")
        ),
    },
    "a text in a device's colours": {
        11: _WORDS,
        12: shown(
            b"/DeviceRGB cs .8 .9 1 sc 0 0 228 40 re f "
            + _TEXT_IN % (b"", b"/DeviceRGB cs .1 .1 .1 sc 4 12 Td (two words, W. and more) Tj")
        ),
    },
    "an empty text": {11: FIELD.replace(b"(100)", b"()"), 12: shown(b"/Tx BMC EMC")},
    "a Chinese text": {
        11: FIELD.replace(b"(100)", b"<FEFF4EBA6C115E018D304F70>"),
        12: stream(
            b"BT /F2 12 Tf 4 12 Td <4EBA6C115E018D304F70> Tj ET",
            b"/Type/XObject/Subtype/Form/BBox[0 0 228 40]/Resources<</Font<</F2 91 0 R>>>>",
        ),
        91: b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[92 0 R]>>",
        92: b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 93 0 R/CIDSystemInfo"
        b"<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
        93: b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    },
    "a box with a picture like the one that was signed": {
        13: BOX.replace(b"/V/Off/AS/Off", b"/V/Yes/AS/Yes").replace(b"/Yes 14 0 R", b"/Yes 94 0 R"),
        94: shown(b"0 g .2 .1 19.7 19.8 re f", b"0 0 20 20"),
    },
}


@cache
def certified_form(permission: int = 2) -> bytes:
    """The form of ``victims``, certified."""
    return sign(form(), signing("first", certify=True, permission=MDPPerm(permission)))


for _permission in (2, 3):
    for _name, _objects in {"a text": FILLED, "a box": TICKED, **_PICTURES}.items():
        good.register(
            "certified", f"{_name} filled, P={_permission}",
            lambda p=_permission, objects=_objects: written(objects, after=certified_form(p)), Level.T,
        )  # fmt: skip
    good.register(
        "certified",
        f"filled, then signed, then filled again, P={_permission}",
        lambda p=_permission: written(
            TICKED,
            after=next_signature(written(FILLED, after=certified_form(p))),
        ),
        Level.T,
    )
good.register(
    "certified", "filled, then timestamped",
    lambda: add_document_timestamp(written(FILLED, after=certified_form()), stamper(GOOD)), Level.T,
)  # fmt: skip


@cache
def locking(action: FieldMDPAction, *fields: str, certify: bool = False) -> bytes:
    """The form of ``victims``, signed in a field that locks *fields* by *action*."""
    spec = FieldMDPSpec(action, list(fields) or None)
    document = with_fields(with_fields(form_alone(), "second"), "first", lock=spec)
    return sign(document, signing("first", certify=certify))


for _action, _fields in ((FieldMDPAction.INCLUDE, ("agreed",)), (FieldMDPAction.EXCLUDE, ("amount", "second"))):
    good.register(
        "locks", f"{_action}, another field filled, then signed",
        lambda a=_action, f=_fields: next_signature(written(FILLED, after=locking(a, *f))), Level.T,
    )  # fmt: skip
    good.register(
        "locks", f"{_action}, another field filled, certified",
        lambda a=_action, f=_fields: written(FILLED, after=locking(a, *f, certify=True)), Level.T,
    )  # fmt: skip


# validation data: rounds of it, with document timestamps between them


def renewed(document: bytes, rounds: int) -> Attempt:
    """*document* archived again and again, a month after the other, each time with newer lists."""
    when = LATER
    for _ in range(rounds):
        crls = tuple(revocation_list(each, made=when) for each in (GOOD.issuing, GOOD.root))
        document = add_validation_data(document, [GOOD.tsa, GOOD.issuing], crls)
        document = add_document_timestamp(document, stamper(GOOD, when))
        when += timedelta(days=20)
    return Attempt(document, at=when)


good.register("archives", "25 revisions", lambda: renewed(sign(plain(1), signing("one")), 12), Level.LTA)
good.register("archives", "certified, P=1, three rounds", lambda: renewed(certified(1), 3), Level.LTA)
good.register("archives", "tagged, three rounds", lambda: renewed(signed_anew(tagged(), tag), 3), Level.LTA)


# references to what is not there, and freed objects


def _dangling() -> bytes:
    """The page refers to an object that no section lists, which is null."""
    base = {**_TREE, 3: _TREE[3].replace(b"/Tabs/S", b"/Tabs/S/PieceInfo 900 0 R/B 901 0 R")}
    document = sign(written(contract(base)), signing("first", new_field=new_field("first", (72, 72, 272, 132))))
    return signed_anew(document, tag)


good.register("tagged", "references to what is not there", _dangling, Level.T)
