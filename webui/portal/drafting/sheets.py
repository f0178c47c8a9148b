"""The pages of a draft as the templates draw them: size, and the fields on them as shapes in millimetres.

Parties are told apart by a colour and a character each. Nobody has to tell the colours apart: every field
carries the character, and the borders differ too (fields.css).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.contracts.draft_rules import POINTS_PER_MM
from appliance.language import Language
from appliance.model.contract import Contract, Party, PartyKind, Placement
from appliance.pdf.values import PageSize

COLOURS = 8
"""So many colours; the next party begins anew, with the next letter."""

STEMS = "甲乙丙丁戊己庚辛壬癸"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

PERSON_MM = (50.0, 20.0)
SEAL_MM = (42.0, 42.0)
"""How large a field is that is placed by hand."""


@dataclass(frozen=True, slots=True)
class PartyMark:
    """A party's colour (a class of fields.css), letter, and the size of a new field in millimetres."""

    colour: str
    letter: str
    width_mm: float
    height_mm: float


def party_mark(party: Party, language: Language) -> PartyMark:
    """How *party* is marked for readers of *language*."""
    letters = STEMS if language is Language.CHINESE else LETTERS
    index = party.position - 1
    letter = letters[index] if index < len(letters) else str(party.position)
    width, height = SEAL_MM if party.kind is PartyKind.SEAL else PERSON_MM
    return PartyMark(f"c{index % COLOURS + 1}", letter, width, height)


@dataclass(frozen=True, slots=True)
class SheetShape:
    """A rectangle in millimetres from the page's upper left corner, in a party's colour."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    letter: str


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
        mark.letter,
    )


def cross_page_shape(
    y: float, diameter_mm: float, pages: tuple[PageSize, ...], number: int, mark: PartyMark
) -> SheetShape:
    """The slice of a cross-page seal on page *number* (from 1)."""
    width, height = millimetres(pages[number - 1])
    slice_mm = round(diameter_mm / len(pages), 1)
    shown = max(3.0, slice_mm)  # narrower than this nobody sees it
    return SheetShape(width - shown, round(y * height / 100, 1), shown, diameter_mm, mark.colour, mark.letter)


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
