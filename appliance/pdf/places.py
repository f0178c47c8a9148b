"""The further places of a signature: the same signature on more pages, and a seal cut across all of them (骑缝章).

A signature field has one widget (verifiers look at no other), so each further place is a field of its own: a check
box that nobody can tick, whose ticked state looks like the signature. The signature that fills the signature field
ticks its places in the same revision and locks them by name. See docs/decisions/0012.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyhanko.pdf_utils.generic import DictionaryObject, pdf_name

from appliance.errors import DocumentRefused
from appliance.pdf.forms import FormField
from appliance.pdf.geometry import PageFrame
from appliance.pdf.reader import entry
from appliance.pdf.values import FieldKind, FieldPlacement, Place

MOST_SLICES = 200
READ_ONLY = 1
"""/Ff of a place, and nothing else: a check box that no reader lets people change."""

EMPTY, SIGNED = pdf_name("/Off"), pdf_name("/Signed")
"""The two states of a place (12.7.5.2.3)."""

_POINTS_PER_MILLIMETRE = 72 / 25.4
_ACTS = frozenset({"/A", "/AA", "/Kids", "/Parent"})
_PLACE = re.compile(r"(?P<field>.+)_(?:place_\d+|slice_(?P<number>\d+)_of_(?P<count>\d+))")


@dataclass(frozen=True, slots=True)
class SealSlice:
    """The part ``number`` (from 1, the leftmost) of a picture that is cut into ``count`` upright strips."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class FurtherPlace:
    """A place to be made: the ``name`` of its field, and where it is."""

    name: str
    place: Place


def wanted(placement: FieldPlacement, frames: Sequence[PageFrame]) -> list[FurtherPlace]:
    """The further places of *placement* in a document with pages of these *frames*.

    Raises DocumentRefused for a cross-page seal that cannot be.
    """
    repeated = [
        FurtherPlace(f"{placement.name}_place_{number}", place)
        for number, place in enumerate(placement.more, start=2)
    ]
    return [*repeated, *_slices(placement, frames)]


def owner(name: str) -> str | None:
    """The signature field that a place called *name* belongs to, or None when no place is called so."""
    found = _PLACE.fullmatch(name)
    return found["field"] if found else None


def is_place(field: DictionaryObject) -> bool:
    """Whether *field* is a further place as made here: by its name, and as a check box that nobody can tick. Other
    people's forms have fields called ``birth_place_1``."""
    return (
        entry(field, "/FT") == "/Btn"
        and entry(field, "/Ff") == READ_ONLY
        and not _ACTS & field.keys()
        and owner(str(entry(field, "/T", ""))) is not None
    )


def places_of_signature(field: str, fields: Sequence[FormField]) -> Iterator[tuple[FormField, SealSlice | None]]:
    """The places among *fields* that belong to the signature field named *field*."""
    for one in fields:
        found = _PLACE.fullmatch(one.name) if is_place(one.dictionary) else None
        if found and found["field"] == field:
            yield one, SealSlice(int(found["number"]), int(found["count"])) if found["number"] else None


def tick(place: DictionaryObject, look: DictionaryObject) -> None:
    """Show *look* (a reference to a form) in *place* from now on; the caller marks it as changed."""
    states = DictionaryObject({EMPTY: place["/AP"]["/N"].raw_get(EMPTY), SIGNED: look})
    place[pdf_name("/AP")] = DictionaryObject({pdf_name("/N"): states})
    place[pdf_name("/AS")] = place[pdf_name("/V")] = SIGNED


def _slices(placement: FieldPlacement, frames: Sequence[PageFrame]) -> Iterator[FurtherPlace]:
    seal, count = placement.cross_page, len(frames)
    if seal is None:
        return
    _refuse_impossible(placement, count)
    diameter = seal.diameter_mm * _POINTS_PER_MILLIMETRE
    for page, frame in enumerate(frames):
        size = frame.seen()
        width, height = diameter / count / size.width * 100, diameter / size.height * 100
        if not (seal.y >= 0 and width > 0 and seal.y + height <= 100 and width <= 100):
            raise DocumentRefused(
                "seal-outside",
                "The cross-page seal does not fit on page {page}; put it higher or choose a smaller one.",
                page=page + 1,
            )
        yield FurtherPlace(
            f"{placement.name}_slice_{page + 1}_of_{count}", Place(page, 100 - width, seal.y, width, height)
        )


def _refuse_impossible(placement: FieldPlacement, pages: int) -> None:
    if placement.kind is not FieldKind.SEAL:
        raise DocumentRefused("not-a-seal", "Only a company seal can be put across pages.")
    if pages < 2:
        raise DocumentRefused(
            "one-page", "A cross-page seal needs at least two pages; this document has only one."
        )
    if pages > MOST_SLICES:
        raise DocumentRefused(
            "too-many-slices",
            "A cross-page seal is cut into at most {most} slices, and this document has {pages} pages.",
            most=MOST_SLICES,
            pages=pages,
        )
