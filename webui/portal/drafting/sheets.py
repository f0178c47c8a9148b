"""The pages of a draft as the templates draw them: size, and the fields on them as shapes in millimetres.

Parties are told apart by a colour and their number each. Nobody has to tell the colours apart: every field
carries the number, and the borders differ too (fields.css).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.contracts.draft_rules import POINTS_PER_MM
from appliance.model.contract import Contract, Party, PartyKind, Placement
from appliance.pdf.values import PageSize

COLOURS = 8
"""So many colours; the next party begins anew, with the next number."""

PERSON_MM = (50.0, 20.0)
SEAL_MM = (42.0, 42.0)
"""How large a field is that is placed by hand."""


@dataclass(frozen=True, slots=True)
class PartyMark:
    """A party's colour (a class of fields.css), its number, and the size of a new field in millimetres. It has no
    letter: 甲 and 乙, or A and B, are the sides of the contract's text, and a side may have several parties."""

    colour: str
    number: str
    width_mm: float
    height_mm: float


def party_mark(party: Party) -> PartyMark:
    """How *party* is marked."""
    width, height = SEAL_MM if party.kind is PartyKind.SEAL else PERSON_MM
    return PartyMark(f"c{(party.position - 1) % COLOURS + 1}", str(party.position), width, height)


@dataclass(frozen=True, slots=True)
class SheetShape:
    """A rectangle in millimetres from the page's upper left corner, in a party's colour and with its number."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    number: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: ``number`` from 1, and its size."""

    number: int
    width_mm: float
    height_mm: float


def millimetres(page: PageSize) -> tuple[float, float]:
    return round(page.width / POINTS_PER_MM, 1), round(page.height / POINTS_PER_MM, 1)


def placement_shape(place: Placement, page: PageSize, mark: PartyMark) -> SheetShape:
    """*place* in millimetres."""
    width, height = millimetres(page)
    return SheetShape(
        round(place.x * width / 100, 1),
        round(place.y * height / 100, 1),
        round(place.width * width / 100, 1),
        round(place.height * height / 100, 1),
        mark.colour,
        mark.number,
    )


def cross_page_shape(
    y: float, diameter_mm: float, pages: tuple[PageSize, ...], number: int, mark: PartyMark
) -> SheetShape:
    """The slice of a cross-page seal on page *number* (from 1)."""
    width, height = millimetres(pages[number - 1])
    slice_mm = round(diameter_mm / len(pages), 1)
    shown = max(3.0, slice_mm)  # narrower than this nobody sees it
    return SheetShape(width - shown, round(y * height / 100, 1), shown, diameter_mm, mark.colour, mark.number)


def shapes_by_page(
    draft: Contract, pages: tuple[PageSize, ...], marks: Mapping[str, PartyMark], diameters: Mapping[str, float]
) -> dict[int, list[SheetShape]]:
    """Page number (from 1) → every field on it. *diameters*: party → width of its seal in millimetres."""
    drawn: dict[int, list[SheetShape]] = {}
    for party in draft.parties:
        mark = marks[party.id]
        for place in party.places:
            drawn.setdefault(place.page + 1, []).append(placement_shape(place, pages[place.page], mark))
        if party.cross_page is not None:
            for number in range(1, len(pages) + 1):
                found = cross_page_shape(party.cross_page.y, diameters[party.id], pages, number, mark)
                drawn.setdefault(number, []).append(found)
    return drawn


def sheets_of(pages: tuple[PageSize, ...], numbers: Iterable[int]) -> list[Sheet]:
    return [Sheet(number, *millimetres(pages[number - 1])) for number in numbers]
