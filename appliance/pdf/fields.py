"""Revision 1: all signature fields and their places at once, still empty, so that no later signature adds one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import DictionaryObject, NumberObject, pdf_name, pdf_string
from pyhanko.pdf_utils.layout import BoxConstraints

from appliance.errors import DocumentRefused
from appliance.model.contract import Placement
from appliance.pdf import forms, geometry
from appliance.pdf.incremental_updates import IncrementalUpdate, dictionary, refusing_malformed
from appliance.pdf.input_text import draw_frame
from appliance.pdf.values import FieldPlacement

DrawMore = Callable[[IncrementalUpdate, tuple[int, Any], list[Placement]], None]
"""Draws on a page, given as its number from 0 and its reference, on which the fields have these places."""

SMALLEST = 1.0
"""User units; what is smaller shows nothing at all."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_READ_ONLY = 1
_ROUNDING = 1e-6
_THINNEST = 0.01
"""User units: a slice of a seal may be thinner than anything that is to be read."""


@refusing_malformed()
def add_fields(
    document: bytes, placements: Sequence[FieldPlacement], *, most_pages: int, draw: DrawMore | None = None
) -> bytes:
    """The bytes to append to *document*: one update with every field of *placements* and all of their places, and
    what *draw* puts on the last page of a document that nobody has signed.

    Raises DocumentRefused for a page or place that does not exist, a name twice or already there, and a document
    whose earlier signatures forbid new fields.
    """
    revision = IncrementalUpdate(document)
    forms.refuse_if_locked(revision.root)
    taken = {field.name for field in forms.terminal_fields(revision.root)}
    signed = bool(forms.existing_signatures(revision.root))
    if not signed:
        _make_read_only(revision)
    pages = list(geometry.pages(revision.root, most=most_pages))
    drawing = _Drawing(revision, pages, forms.form_of(revision))
    across = any(placement.cross_page for placement in placements)
    frames = [geometry.frame(page.get_object()) for page in pages] if across else []
    for placement in placements:
        _refuse_name(placement.name, taken)
        if placement.invisible:
            drawing.add_invisible(placement.name)
            continue
        _refuse_nonsense(placement.name, _first(placement), len(pages))
        drawing.add(placement.name, _first(placement), bare=placement.bare)
        for name, place in forms.further_places(placement, frames):
            _refuse_taken(name, taken)
            _refuse_nonsense(placement.name, place, len(pages))
            drawing.add(name, place, further=True)
        for name, place, label in forms.input_places(placement):
            _refuse_taken(name, taken)
            _refuse_nonsense(placement.name, place, len(pages))
            drawing.add(name, place, further=True, label=label)
    revision.update_container(drawing.form["/Fields"])
    if draw is not None and pages and not signed:
        draw(revision, (len(pages) - 1, pages[-1]), drawing.places)
    return revision.appended()


def _first(placement: FieldPlacement) -> Placement:
    return Placement(placement.page, placement.x, placement.y, placement.width, placement.height)


def _make_read_only(revision: IncrementalUpdate) -> None:
    """What was filled in before the contract began stays: nobody may fill it in anew between signatures."""
    for known in forms.terminal_fields(revision.root):
        flags = geometry.inherited(known.dictionary, "/Ff") or 0
        if known.kind != "/Sig" and not flags & _READ_ONLY:
            known.dictionary[pdf_name("/Ff")] = NumberObject(int(flags) | _READ_ONLY)
            revision.update_container(known.dictionary)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The revision under way, the document's pages (references) and its form."""

    revision: IncrementalUpdate
    pages: list[Any]
    form: Any
    places: list[Placement] = field(default_factory=list)

    def add(
        self, name: str, place: Placement, *, further: bool = False, bare: bool = False, label: str = ""
    ) -> None:
        """A signature field, or a *further* place of one, with its widget: on its page and in the form. *label* is
        what programs call it (/TU), of a place that is filled in: its edge is seen. *bare*: it
        has no appearance yet, since other software that signs in it would free and reuse the object."""
        page = self.pages[place.page]
        self.places.append(place)
        smallest = _THINNEST if further and not label else SMALLEST
        widget = self._widget(name, place, smallest, bare=bare, framed=bool(label))
        if further:
            _make_place(widget)
        if label:
            widget[pdf_name("/TU")] = pdf_string(label)
        self._place(widget, page)

    def add_invisible(self, name: str) -> None:
        """A signature field without area, on the first page (12.7.5.5)."""
        if not self.pages:
            raise DocumentRefused("no-pages", "The document has no pages.")
        self._place(forms.signature_widget(name, self.pages[0], [0] * 4), self.pages[0])

    def _place(self, field: DictionaryObject, page: Any) -> None:
        reference = self.revision.add_object(field)
        self.form["/Fields"].append(reference)
        self.revision.annotate(page, reference)

    def _widget(
        self, name: str, place: Placement, smallest: float, *, bare: bool, framed: bool
    ) -> DictionaryObject:
        """Signature field and widget in one dictionary (12.7.4.1), with an appearance that shows nothing yet, or
        its frame."""
        page = self.pages[place.page]
        frame = geometry.frame(page.get_object())
        rectangle = frame.rectangle(place)
        width, height = rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]
        if min(width, height) < smallest:
            raise DocumentRefused(
                "field-too-small", "The field {field} is too small to show anything.", field=name
            )
        if bare:
            return forms.signature_widget(name, page, rectangle, MK={"R": frame.rotation})
        empty = draw_frame(width, height) if framed else b""
        nothing = RawContent(empty, box=BoxConstraints(width=width, height=height)).as_form_xobject()
        shown = {"N": self.revision.add_object(nothing)}
        return forms.signature_widget(name, page, rectangle, MK={"R": frame.rotation}, AP=shown)


def _make_place(field: DictionaryObject) -> None:
    """Turn a signature field into a further place of one (:mod:`appliance.pdf.forms`)."""
    states = {"N": {"Off": field["/AP"].raw_get("/N")}}
    field.update(dictionary(FT="/Btn", Ff=forms.PLACE_FLAGS, AS="/Off", AP=states))


def _refuse_name(name: str, taken: set[str]) -> None:
    if not _NAME.fullmatch(name) or forms.place_owner(name) is not None:
        raise DocumentRefused(
            "field-name",
            "The field name {field} is not usable: letters, digits, - and _ only, at most 64.",
            field=name,
        )
    _refuse_taken(name, taken)


def _refuse_taken(name: str, taken: set[str]) -> None:
    if name in taken:
        raise DocumentRefused("field-twice", "There already is a field named {field}.", field=name)
    taken.add(name)


def _refuse_nonsense(name: str, place: Placement, pages: int) -> None:
    if not 0 <= place.page < pages:
        raise DocumentRefused(
            "no-such-page",
            "The field {field} is on page {page}, but the document has {pages}.",
            field=name,
            page=place.page + 1,
            pages=pages,
        )
    if not _on_the_page(place):
        raise DocumentRefused("field-outside", "The field {field} does not lie on its page.", field=name)


def _on_the_page(place: Placement) -> bool:
    def fits(start: float, extent: float) -> bool:
        return start >= 0 and extent > 0 and start + extent <= 100 + _ROUNDING

    return fits(place.x, place.width) and fits(place.y, place.height)
