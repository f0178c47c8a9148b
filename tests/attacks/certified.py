"""Attacks on certified documents: an evil annotation, a sneaky signature, against every permission (DocMDP P)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.attacks.incremental import first_page
from tests.attacks.registry import FORMAT, UNEXPLAINED, register
from tests.attacks.victims import GOOD, certified, next_signature, signing, sneaky_field
from tests.attacks.writing import RED_BOX
from tests.verification.authorities import Profile, issue
from tests.verification.documents import Signing, add_document_timestamp, change, sign, stamper

NAME = generic.pdf_name
_KINDS = (
    "/Stamp", "/FreeText", "/Text", "/Redact", "/Square", "/Line", "/Ink", "/Highlight", "/Watermark", "/Popup",
    "/Link", "/FileAttachment", "/Widget", "/Unheard", "/Screen", "/PrinterMark",
)  # fmt: skip


def _numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, values))


def drawing(writer: IncrementalPdfFileWriter) -> generic.IndirectObject:
    """A form XObject that covers the page."""
    drawn = generic.StreamObject(stream_data=RED_BOX)
    drawn.update(
        {NAME("/Type"): NAME("/XObject"), NAME("/Subtype"): NAME("/Form"), NAME("/BBox"): _numbers(0, 0, 600, 800)}
    )
    return writer.add_object(drawn)  # type: ignore[no-any-return]


def annotate(
    kind: str | None, writer: IncrementalPdfFileWriter, *, flags: int = 4, appearance: bool = True
) -> None:
    """An annotation over the whole first page; without a /Subtype for None."""
    page = first_page(writer)
    note = generic.DictionaryObject(
        {
            NAME("/Type"): NAME("/Annot"),
            NAME("/Rect"): _numbers(0, 0, 600, 800),
            NAME("/F"): generic.NumberObject(flags),
            NAME("/Contents"): generic.pdf_string("The price is 900."),
            NAME("/DA"): generic.pdf_string("/Helv 12 Tf 1 0 0 rg"),
            NAME("/IC"): _numbers(1, 0, 0),
            NAME("/C"): _numbers(1, 0, 0),
        }
    )
    if kind is not None:
        note[NAME("/Subtype")] = NAME(kind)
    if appearance:
        note[NAME("/AP")] = generic.DictionaryObject({NAME("/N"): drawing(writer)})
    page["/Annots"] = generic.ArrayObject([*page["/Annots"], writer.add_object(note)])
    writer.update_container(page)


def move_annotation(writer: IncrementalPdfFileWriter) -> None:
    """The certified signature's own widget, over the page."""
    widget = first_page(writer)["/Annots"][0]
    widget["/Rect"] = _numbers(0, 0, 600, 800)
    writer.update_container(widget)


def redraw_signature(writer: IncrementalPdfFileWriter) -> None:
    """The certified signature shows something else."""
    widget = first_page(writer)["/Annots"][0]
    widget["/AP"] = generic.DictionaryObject({NAME("/N"): drawing(writer)})
    writer.update_container(widget)


def drop_annotations(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Annots"] = generic.ArrayObject()
    writer.update_container(page)


def hide_annotation(writer: IncrementalPdfFileWriter) -> None:
    widget = first_page(writer)["/Annots"][0]
    widget["/F"] = generic.NumberObject(2)
    writer.update_container(widget)


_EDITS = {
    "the signature's widget grown": move_annotation,
    "the signature drawn anew": redraw_signature,
    "the annotations taken away": drop_annotations,
    "the signature hidden": hide_annotation,
}

for _permission in (1, 2, 3):
    for _kind in (*_KINDS, None):
        register(
            "evil annotation",
            f"{_kind or 'without a kind'}, P={_permission}",
            lambda p=_permission, kind=_kind: change(certified(p), partial(annotate, kind)),
            FORMAT,
            UNEXPLAINED,
            says="changed after",
        )
    for _name, _edit in _EDITS.items():
        register(
            "evil annotation",
            f"{_name}, P={_permission}",
            lambda p=_permission, edit=_edit: change(certified(p), edit),
            FORMAT,
            UNEXPLAINED,
            says="changed after",
        )
    register(
        "evil annotation",
        f"/Stamp under a further signature, P={_permission}",
        lambda p=_permission: next_signature(change(certified(p), partial(annotate, "/Stamp"))),
        FORMAT,
        UNEXPLAINED,
    )
for _flags in (0, 1, 2, 6, 32, 36, 64, 128, 256):
    register(
        "evil annotation",
        f"/Stamp with flags {_flags}, P=2",
        lambda flags=_flags: change(certified(2), partial(annotate, "/Stamp", flags=flags)),
        FORMAT,
        UNEXPLAINED,
    )
for _kind in ("/FreeText", "/Square", "/Highlight", "/Text"):
    register(
        "evil annotation",
        f"{_kind} that readers draw themselves, P=2",
        lambda kind=_kind: change(certified(2), partial(annotate, kind, appearance=False)),
        FORMAT,
        UNEXPLAINED,
    )


def _sneaky(permission: int, who: str) -> bytes:
    """A signature in a field of its own that covers the text."""
    document = certified(permission)
    if who == "a trusted signer":
        order = Signing("sneaky", GOOD.other, [GOOD.issuing], stamper(GOOD), new_field=sneaky_field())
    elif who == "the certifier":
        order = signing("sneaky", new_field=sneaky_field())
    else:
        stranger = issue(Profile("Stranger"))
        order = Signing("sneaky", stranger, [], None, new_field=sneaky_field())
    return sign(document, order)


def _unsigned(permission: int) -> bytes:
    """Only a field, with an appearance and no signature."""
    entries = {"/FT": NAME("/Sig"), "/T": generic.pdf_string("sneaky")}
    return change(certified(permission), lambda writer: covering_widget(writer, entries))


def covering_widget(writer: IncrementalPdfFileWriter, entries: Mapping[str, object]) -> None:
    """A widget that covers the page, in a field of its own."""
    page = first_page(writer)
    widget = generic.DictionaryObject(
        {
            NAME("/Type"): NAME("/Annot"),
            NAME("/Subtype"): NAME("/Widget"),
            NAME("/T"): generic.pdf_string("over it"),
            NAME("/F"): generic.NumberObject(132),
            NAME("/Rect"): _numbers(0, 0, 600, 800),
            NAME("/AP"): generic.DictionaryObject({NAME("/N"): drawing(writer)}),
            **{NAME(key): value for key, value in entries.items()},
        }
    )
    reference = writer.add_object(widget)
    page["/Annots"] = generic.ArrayObject([*page["/Annots"], reference])
    writer.update_container(page)
    form = writer.root["/AcroForm"]
    form["/Fields"] = generic.ArrayObject([*form["/Fields"], reference])
    writer.update_container(form)


def _certified_again(permission: int) -> bytes:
    order = signing("second", certify=True)
    return sign(certified(permission), order)


for _permission in (1, 2, 3):
    for _who in ("a trusted signer", "the certifier", "a stranger"):
        register(
            "sneaky signature",
            f"by {_who}, P={_permission}",
            partial(_sneaky, _permission, _who),
            FORMAT,
            UNEXPLAINED,
            says="changed",
        )
    register(
        "sneaky signature",
        f"never signed, P={_permission}",
        partial(_unsigned, _permission),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )
    register(
        "sneaky signature",
        f"never signed, under a document timestamp, P={_permission}",
        lambda p=_permission: add_document_timestamp(_unsigned(p), stamper(GOOD)),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )
register(
    "sneaky signature", "in an agreed field, where nothing may be filled (P=1)",
    lambda: next_signature(certified(1)), FORMAT, says="forbids",
)  # fmt: skip
