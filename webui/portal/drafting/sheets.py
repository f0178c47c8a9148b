"""The pages of a draft as the templates draw them: size, and the fields on them as shapes in millimetres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.contracts.draft_rules import POINTS_PER_MM
from appliance.model.contract import Contract, Placement
from appliance.pdf.values import PageSize
from webui.portal.drafting.palette import PartyMark


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
    """One page: ``number`` from 1, its size, and what is drawn over it."""

    number: int
    width_mm: float
    height_mm: float
    shapes: tuple[SheetShape, ...] = ()
    found: tuple[SheetShape, ...] = ()
    spoken: str = ""


def millimetres(page: PageSize) -> tuple[float, float]:
    """Width and height of *page* as seen."""
    return round(page.width / POINTS_PER_MM, 1), round(page.height / POINTS_PER_MM, 1)


def placement_shape(place: Placement, page: PageSize, mark: PartyMark, letter: str | None = None) -> SheetShape:
    """*place* in millimetres."""
    width, height = millimetres(page)
    return SheetShape(
        round(place.x * width / 100, 1),
        round(place.y * height / 100, 1),
        round(place.width * width / 100, 1),
        round(place.height * height / 100, 1),
        mark.colour,
        mark.letter if letter is None else letter,
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


def plain_sheets(pages: tuple[PageSize, ...], numbers: Iterable[int]) -> list[Sheet]:
    """Pages without anything drawn over them."""
    return [Sheet(number, *millimetres(pages[number - 1])) for number in numbers]
