"""Revision 1: all signature fields at once, still empty, so that no later signature has to add one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NumberObject,
    pdf_name,
    pdf_string,
)
from pyhanko.pdf_utils.layout import BoxConstraints

from appliance.errors import DocumentRefused
from appliance.pdf import forms, geometry
from appliance.pdf.revision import Revision
from appliance.pdf.values import FieldPlacement

SMALLEST = 1.0
"""User units; what is smaller shows nothing at all."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PRINTED_AND_LOCKED = 1 << 2 | 1 << 7
_READ_ONLY = 1
_ROUNDING = 1e-6


def add_fields(document: bytes, placements: Sequence[FieldPlacement], *, most_pages: int) -> bytes:
    """The bytes to append to *document*: one update with every field of *placements*.

    Raises DocumentRefused for a page or place that does not exist, a name twice or already there, and a document
    whose earlier signatures forbid new fields.
    """
    revision = Revision(document)
    forms.refuse_if_locked(revision.root)
    taken = {field.name for field in forms.terminal_fields(revision.root)}
    if not forms.existing_signatures(revision.root):
        _make_read_only(revision)
    pages = list(geometry.pages(revision.root, most=most_pages))
    form = forms.form_of(revision)
    for placement in placements:
        _refuse_nonsense(placement, len(pages), taken)
        taken.add(placement.name)
        reference = revision.add_object(_field(revision, placement, pages[placement.page]))
        form["/Fields"].append(reference)
        revision.annotate(pages[placement.page], reference)
    revision.update_container(form["/Fields"])
    return revision.appended()


def _make_read_only(revision: Revision) -> None:
    """What was filled in before the contract began stays: nobody may fill it in anew between signatures."""
    for field in forms.terminal_fields(revision.root):
        flags = geometry.inherited(field.dictionary, "/Ff") or 0
        if field.kind != "/Sig" and not flags & _READ_ONLY:
            field.dictionary[pdf_name("/Ff")] = NumberObject(int(flags) | _READ_ONLY)
            revision.update_container(field.dictionary)


def _field(revision: Revision, placement: FieldPlacement, page: Any) -> DictionaryObject:
    """Field and widget in one dictionary (12.7.4.1), with an appearance that shows nothing yet."""
    frame = geometry.frame(page.get_object())
    rectangle = frame.rectangle(placement)
    width, height = rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]
    if min(width, height) < SMALLEST:
        raise DocumentRefused(
            "field-too-small", "The field {field} is too small to show anything.", field=placement.name
        )
    nothing = RawContent(b"", box=BoxConstraints(width=width, height=height)).as_form_xobject()
    return DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name("/Sig"),
            pdf_name("/T"): pdf_string(placement.name),
            pdf_name("/F"): NumberObject(_PRINTED_AND_LOCKED),
            pdf_name("/P"): page,
            pdf_name("/Rect"): ArrayObject(FloatObject(number) for number in rectangle),
            pdf_name("/MK"): DictionaryObject({pdf_name("/R"): NumberObject(frame.rotation)}),
            pdf_name("/AP"): DictionaryObject({pdf_name("/N"): revision.add_object(nothing)}),
        }
    )


def _refuse_nonsense(placement: FieldPlacement, pages: int, taken: set[str]) -> None:
    if not _NAME.fullmatch(placement.name):
        raise DocumentRefused(
            "field-name",
            "The field name {field} is not usable: letters, digits, - and _ only, at most 64.",
            field=placement.name,
        )
    if placement.name in taken:
        raise DocumentRefused("field-twice", "There already is a field named {field}.", field=placement.name)
    if not 0 <= placement.page < pages:
        raise DocumentRefused(
            "no-such-page",
            "The field {field} is on page {page}, but the document has {pages}.",
            field=placement.name,
            page=placement.page + 1,
            pages=pages,
        )
    if not _on_the_page(placement):
        raise DocumentRefused("field-outside", "The field {field} does not lie on its page.", field=placement.name)


def _on_the_page(placement: FieldPlacement) -> bool:
    def fits(start: float, extent: float) -> bool:
        return start >= 0 and extent > 0 and start + extent <= 100 + _ROUNDING

    return fits(placement.x, placement.width) and fits(placement.y, placement.height)
