"""Attacks on what :mod:`tests.attacks.permitted` allows: each hides a change behind one that may be made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import append_signature_field

from tests.attacks.certified import annotate, drawing
from tests.attacks.incremental import draw_over_page, first_page, replace_content
from tests.attacks.permitted import (
    copy_outlines,
    element,
    extend,
    hang,
    new_field,
    signed_anew,
    tag,
    tagged,
    widget_of,
)
from tests.attacks.registry import FORMAT, NO_CHAIN, UNEXPLAINED, Words, register
from tests.attacks.victims import GOOD, Edit
from tests.verification.authorities import Profile, issue
from tests.verification.documents import Signing, change, sign, stamper

NAME = generic.pdf_name
_SEEN_OR_NOT = (FORMAT, UNEXPLAINED)


def _text(value: str) -> Any:
    return generic.pdf_string(value)


def _numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, values))


def both(*edits: Edit) -> Edit:
    """All of *edits*."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        for each in edits:
            each(writer)

    return edit


# the structure says something else


def _saying(key: str, value: Any) -> Edit:
    return lambda writer: hang(writer, element(writer, more={key: value}))


def _top(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/StructTreeRoot"]["/K"]


def _paragraph(writer: IncrementalPdfFileWriter) -> Any:
    return _top(writer)["/K"][0]


def _alter(holder: Callable[[IncrementalPdfFileWriter], Any], key: str, value: Any) -> Edit:
    """Tag the new widget, and give *key* of what *holder* finds another *value*."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        tag(writer)
        found = holder(writer)
        found[key] = value
        writer.update_container(found)

    return edit


def _root(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/StructTreeRoot"]


def _holding(kid: Callable[[IncrementalPdfFileWriter], Any]) -> Edit:
    """The new element holds *kid* beside the widget."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        new = element(writer)
        new.get_object()["/K"] = generic.ArrayObject([new.get_object()["/K"], kid(writer)])
        hang(writer, new)

    return edit


def _first_widget(writer: IncrementalPdfFileWriter) -> Any:
    fields = writer.root["/AcroForm"]["/Fields"]
    return generic.DictionaryObject({NAME("/Type"): NAME("/OBJR"), NAME("/Obj"): fields.raw_get(0)})


def _page_again(writer: IncrementalPdfFileWriter) -> Any:
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    marked = {NAME("/Type"): NAME("/MCR"), NAME("/MCID"): generic.NumberObject(0), NAME("/Pg"): page}
    return generic.DictionaryObject(marked)


def _tree(*pairs: Any, tagging: bool = True) -> Edit:
    """The parent tree with the entry for the page replaced, or with a further one."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        new = element(writer)
        if tagging:
            hang(writer, new)
        tree = _root(writer)["/ParentTree"]
        tree["/Nums"] = generic.ArrayObject([new if each is None else each for each in pairs])
        writer.update_container(tree)

    return edit


def _reordered(writer: IncrementalPdfFileWriter) -> None:
    tag(writer)
    top = _top(writer)
    top["/K"] = generic.ArrayObject([top["/K"].raw_get(1)])
    writer.update_container(top)


def _copied_root(writer: IncrementalPdfFileWriter) -> None:
    tag(writer)
    copy = generic.DictionaryObject(_root(writer))
    copy[NAME("/RoleMap")] = generic.DictionaryObject({NAME("/P"): NAME("/Artifact")})
    writer.root["/StructTreeRoot"] = writer.add_object(copy)
    writer.update_root()


def _unmarked(writer: IncrementalPdfFileWriter) -> None:
    tag(writer)
    writer.root["/MarkInfo"] = generic.DictionaryObject({NAME("/Marked"): generic.BooleanObject(False)})
    writer.update_root()


def _untagged(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/StructTreeRoot"]
    writer.update_root()


def _spoken(writer: IncrementalPdfFileWriter) -> None:
    """The document is read in another language."""
    tag(writer)
    writer.root["/Lang"] = _text("de")
    writer.update_root()


_ZERO, _ONE = generic.NumberObject(0), generic.NumberObject(1)
_STRUCTURE: dict[str, Edit] = {
    "an alternative text": _saying("/Alt", _text("The buyer pays 900 euro")),
    "an actual text": _saying("/ActualText", _text("The buyer pays 900 euro")),
    "an expansion": _saying("/E", _text("The buyer pays 900 euro")),
    "a title": _saying("/T", _text("The buyer pays 900 euro")),
    "a language": _saying("/Lang", _text("de")),
    "attributes": _saying("/A", generic.DictionaryObject({NAME("/O"): NAME("/PrintField")})),
    "a heading": lambda writer: tag(writer, role="/H1"),
    "a figure": lambda writer: tag(writer, role="/Figure"),
    "the paragraph gets an actual text": _alter(_paragraph, "/ActualText", _text("The buyer pays 900 euro")),
    "the paragraph gets an alternative text": _alter(_paragraph, "/Alt", _text("The buyer pays 900 euro")),
    "the paragraph becomes an artifact": _alter(_paragraph, "/S", NAME("/Artifact")),
    "the paragraph loses its content": _alter(_paragraph, "/K", generic.ArrayObject()),
    "the paragraph is taken out": _reordered,
    "roles are mapped": _alter(_root, "/RoleMap", generic.DictionaryObject({NAME("/P"): NAME("/NonStruct")})),
    "the root is another one": _copied_root,
    "it is no longer tagged": _untagged,
    "it is no longer said to be tagged": _unmarked,
    "another language": _spoken,
    "the page's content once more": _holding(_page_again),
    "another field's widget": _holding(_first_widget),
    "a piece of content by its number": _holding(lambda writer: generic.NumberObject(0)),
    "the parent tree of the page": _tree(_ZERO, None, _ONE, None),
    "the parent tree without the page": _tree(_ONE, None),
    "the parent tree for nobody": _tree(_ZERO, generic.ArrayObject(), generic.NumberObject(7), None),
    "the next key lowered": _alter(_root, "/ParentTreeNextKey", _ZERO),
}
for _name, _edit in _STRUCTURE.items():
    register("structure", _name, lambda edit=_edit: signed_anew(tagged(), edit), UNEXPLAINED)


# outlines, extensions, the version


def _renamed(writer: IncrementalPdfFileWriter) -> None:
    copy_outlines(writer, "No price")


def _led_elsewhere(writer: IncrementalPdfFileWriter) -> None:
    copy_outlines(writer)
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    writer.root["/Outlines"]["/First"]["/Dest"] = generic.ArrayObject([page, NAME("/XYZ"), *_numbers(0, 0, 0)])


def _scripted(writer: IncrementalPdfFileWriter) -> None:
    copy_outlines(writer)
    action = {NAME("/S"): NAME("/JavaScript"), NAME("/JS"): _text("app.alert(1)")}
    writer.root["/Outlines"]["/Last"]["/A"] = generic.DictionaryObject(action)


def _shortened(writer: IncrementalPdfFileWriter) -> None:
    copy_outlines(writer)
    writer.root["/Outlines"]["/Last"] = writer.root["/Outlines"].raw_get("/First")


def _in_place(writer: IncrementalPdfFileWriter) -> None:
    first = writer.root["/Outlines"]["/First"]
    first["/Title"] = _text("No price")
    writer.update_container(first)


def _extensions(value: Any) -> Edit:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/Extensions"] = value
        writer.update_root()

    return edit


def _lowered_elsewhere(writer: IncrementalPdfFileWriter) -> None:
    """In the object that the catalogue refers to."""
    found = writer.root["/Extensions"]
    found["/ISO_"] = generic.DictionaryObject(
        {NAME("/BaseVersion"): NAME("/1.7"), NAME("/ExtensionLevel"): generic.NumberObject(7)}
    )
    writer.update_container(found)


def _without(key: str) -> Edit:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        del writer.root[key]
        writer.update_root()

    return edit


_CATALOGUE: dict[str, Edit] = {
    "an outline renamed": _renamed,
    "an outline renamed in place": _in_place,
    "an outline that leads elsewhere": _led_elsewhere,
    "an outline that runs a script": _scripted,
    "an outline too few": _shortened,
    "no outlines": _without("/Outlines"),
    "an extension taken back": partial(extend, keep=False),
    "all extensions taken back": _without("/Extensions"),
    "the level of an extension lowered": partial(extend, level=7),
    "the level of an extension lowered in its object": _lowered_elsewhere,
    "the base version of an extension lowered": partial(extend, level=9, base="/1.3"),
    "an extension of no version": partial(extend, base="/x"),
    "extensions that are none": _extensions(generic.ArrayObject()),
    "the version lowered": partial(extend, version="/1.4"),
    "the version taken back": _without("/Version"),
    "no version": partial(extend, version="/9"),
}
_NOT_SIGNED_ON = ("extensions that are none",)
"""What pyHanko does not sign."""
for _name, _edit in _CATALOGUE.items():
    register("catalogue", _name, lambda edit=_edit: change(signed_anew(tagged()), edit), UNEXPLAINED)
    if _name in _NOT_SIGNED_ON:
        continue
    register(
        "catalogue", f"{_name}, under a further signature",
        lambda edit=_edit: signed_anew(change(signed_anew(tagged()), edit), name="third"), UNEXPLAINED, FORMAT,
    )  # fmt: skip


# what lies in or around the new field's rectangle


def _under_the_widget(writer: IncrementalPdfFileWriter) -> None:
    """The page's content gets text exactly where the new field is."""
    page = first_page(writer)
    text = b"BT /F1 12 Tf 330 140 Td (and 900 euro more) Tj ET"
    added = writer.add_object(generic.StreamObject(stream_data=text))
    page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), added])
    writer.update_container(page)


def _bare_widget(writer: IncrementalPdfFileWriter) -> None:
    """The widget shows nothing, so that what lies under it is seen."""
    widget_of(writer).get_object()["/Border"] = _numbers(0, 0, 0)


def _taller(writer: IncrementalPdfFileWriter) -> None:
    """The new field, signed, grows over the page's text."""
    widget = widget_of(writer).get_object()
    widget["/Rect"] = _numbers(60, 600, 520, 720)
    widget["/AP"] = generic.DictionaryObject({NAME("/N"): drawing(writer)})
    writer.update_container(widget)


def _never_signed(writer: IncrementalPdfFileWriter) -> None:
    append_signature_field(writer, new_field("nobody", (320, 220, 520, 280)))
    widget = widget_of(writer).get_object()
    widget["/AP"] = generic.DictionaryObject({NAME("/N"): drawing(writer)})


def _same_name(writer: IncrementalPdfFileWriter) -> None:
    """A further widget by the name of the signature that is there."""
    _never_signed(writer)
    widget_of(writer).get_object()["/T"] = _text("first")


def _same_name_signed(writer: IncrementalPdfFileWriter) -> None:
    _same_name(writer)
    widget_of(writer).get_object()["/V"] = writer.root["/AcroForm"]["/Fields"][0].raw_get("/V")


_FIELDS: dict[str, tuple[Callable[[], bytes], tuple[Words, ...]]] = {
    "text under it": (lambda: signed_anew(tagged(), _under_the_widget), (FORMAT,)),
    "text under a widget that shows nothing": (
        lambda: signed_anew(tagged(), both(_bare_widget, _under_the_widget)), (FORMAT,),
    ),
    "a drawing over the page beside it": (lambda: signed_anew(tagged(), draw_over_page), (FORMAT,)),
    "the page's content replaced beside it": (lambda: signed_anew(tagged(), replace_content), (FORMAT,)),
    "a note beside it": (lambda: signed_anew(tagged(), partial(annotate, "/FreeText")), (FORMAT,)),
    "a stamp beside its element": (
        lambda: signed_anew(tagged(), both(tag, partial(annotate, "/Stamp"))), (FORMAT,),
    ),
    "grown afterwards": (lambda: change(signed_anew(tagged()), _taller), (FORMAT,)),
    "grown under a further signature": (
        lambda: signed_anew(change(signed_anew(tagged()), _taller), name="third"), (FORMAT,),
    ),
    "a second one that nobody signed": (lambda: signed_anew(tagged(), _never_signed), (FORMAT,)),
    "a second one by the name of the first": (lambda: signed_anew(tagged(), _same_name), _SEEN_OR_NOT),
    "a second one with the value of the first": (lambda: signed_anew(tagged(), _same_name_signed), _SEEN_OR_NOT),
    "the same, under no signature": (lambda: change(tagged(), _same_name_signed), _SEEN_OR_NOT),
    "signed by a stranger": (
        lambda: sign(
            tagged(), Signing("new", issue(Profile("Stranger")), [], stamper(GOOD), new_field=new_field())
        ),
        (NO_CHAIN, UNEXPLAINED),
    ),
}  # fmt: skip


for _name, (_build, _words) in _FIELDS.items():
    register("later field", _name, _build, *_words)
