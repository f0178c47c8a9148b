"""Fields as the form of step 3 has them: one row for a party's rectangle and the pages that it is on.

The same rectangle on many pages is one row, so "on every page" is one line however long the document is. Pages
are written as people do: ``1-3, 5``, ``all``, ``odd``, ``全部``, ``单数`` (as pagesOf of fields-geometry.js
reads them). After them the rows of cross-page seals (骑缝章): whether, and at which height.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from flask import request
from werkzeug.exceptions import BadRequest

from appliance.contracts.draft_rules import MOST_PLACES
from appliance.model.contract import Contract, CrossPage, Party, PartyKind, Placement
from appliance.pdf.values import PageSize
from webui.portal.drafting.sheets import millimetres
from webui.portal.drafting.steps import field_value
from webui.portal.pages import appliance
from webui.shared.language import translate

EVERY = {"all": 1, "全部": 1}
WORDS = {"odd": 1, "单数": 1, "奇数": 1, "even": 2, "双数": 2, "偶数": 2}
"""Word → the first of the pages that it names; those of EVERY name each page, those of WORDS each second."""

_RUN = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")
_HYPHENS = re.compile(r"[–—~至]")


def read_pages(text: str, count: int) -> tuple[int, ...] | None:
    """The pages (from 1) that *text* names in a document of *count* pages; None for unreadable text."""
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", text).strip().lower())
    if plain in EVERY:
        return tuple(range(1, count + 1))
    if plain in WORDS:
        return tuple(range(WORDS[plain], count + 1, 2)) or None
    chosen: set[int] = set()
    for part in filter(None, (each.strip() for each in re.split(r"[,、;]", plain))):
        run = _RUN.fullmatch(part)
        if run is None:
            return None
        first, last = int(run[1]), int(run[2] or run[1])
        if not 1 <= first <= last <= count:
            return None
        chosen.update(range(first, last + 1))
    return tuple(sorted(chosen)) or None


def write_pages(pages: Sequence[int]) -> str:
    """*pages*, ascending, with runs joined: ``1-3, 5``."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][1] == page - 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


MOST_ROWS = 300

LEAST_WIDTH = 5.0
LEAST_HEIGHT = 2.0
"""The least size of a field in per cent of the page: smaller, nobody reads who signed."""

ROUNDING = 0.1
"""Per cent by which a number with few digits may lie outside the page."""

NUMBERS = ("x", "y", "width", "height")


class Unit(StrEnum):
    """What the numbers of the form count."""

    PERCENT = "percent"
    MM = "mm"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One row, as text. ``problem`` is what is wrong with it, in the reader's language."""

    party: str
    pages: str
    x: str
    y: str
    width: str
    height: str
    problem: str = ""


def posted_field_rows() -> list[FieldRow]:
    """The rows of the form that was sent. Raises :class:`BadRequest` when their columns do not fit together."""
    columns = [request.form.getlist(name) for name in ("party", "pages", *NUMBERS)]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > MOST_ROWS:
        raise BadRequest
    return [FieldRow(*row) for row in zip(*columns, strict=True)]


def placed(draft: Contract) -> list[tuple[str, tuple[Placement, ...]]]:
    """What has places: the parties, and the fields that they fill in, by their ids."""
    found = [(party.id, party.places) for party in draft.parties]
    return found + [(each.id, each.places) for party in draft.parties for each in party.inputs]


def field_rows_of(draft: Contract, sizes: Sequence[PageSize], unit: Unit) -> list[FieldRow]:
    """The rows of a draft as it stands."""
    rows: list[FieldRow] = []
    for holder, places in placed(draft):
        grouped: dict[tuple[float, float, float, float], list[int]] = {}
        for place in places:
            grouped.setdefault((place.x, place.y, place.width, place.height), []).append(place.page)
        for box, pages in grouped.items():
            shown = _shown(box, sizes[min(pages)], unit)
            rows.append(FieldRow(holder, write_pages(sorted(page + 1 for page in pages)), *shown))
    return rows


def _shown(box: tuple[float, float, float, float], size: PageSize, unit: Unit) -> list[str]:
    return [_written(number * scale, unit) for number, scale in zip(box, _scales(size, unit), strict=True)]


def _written(number: float, unit: Unit) -> str:
    return f"{number:.{1 if unit is Unit.MM else 2}f}".rstrip("0").rstrip(".")


def _scales(size: PageSize, unit: Unit) -> tuple[float, float, float, float]:
    """How many of *unit* one per cent is: for x, y, width, height."""
    width, height = millimetres(size)
    across, down = (width / 100, height / 100) if unit is Unit.MM else (1.0, 1.0)
    return across, down, across, down


def number_of(text: str) -> float | None:
    """A number as people type it, or None."""
    try:
        value = float(unicodedata.normalize("NFKC", text).strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def placements_of(
    spot: FieldRow, draft: Contract, sizes: Sequence[PageSize], unit: Unit
) -> tuple[list[Placement], str]:
    """The places that *spot* names, or none and what is wrong with it."""
    _ = translate()
    if spot.party not in dict(placed(draft)):
        return [], _("This party is not in the draft any more; remove the field.")
    pages = read_pages(spot.pages, draft.pages)
    if pages is None:
        return [], _("Give pages of the {pages} that there are, such as 1-3, 5 or all.", pages=draft.pages)
    numbers = [number_of(getattr(spot, name)) for name in NUMBERS]
    if None in numbers:
        return [], _("Left, top, width and height are numbers.")
    scales = _scales(sizes[pages[0] - 1], unit)
    x, y, width, height = (
        value / scale for value, scale in zip(numbers, scales, strict=True) if value is not None
    )
    problem = _outside(x, y, width, height)
    if problem:
        return [], problem
    x, y = min(max(x, 0.0), 100 - width), min(max(y, 0.0), 100 - height)
    box = [round(value, 3) for value in (x, y, width, height)]
    return [Placement(page - 1, *box) for page in pages], ""


def _outside(x: float, y: float, width: float, height: float) -> str:
    _ = translate()
    if width < LEAST_WIDTH - ROUNDING or height < LEAST_HEIGHT - ROUNDING:
        return _(
            "The field is too small to read: at least {width} % wide and {height} % high.",
            width=LEAST_WIDTH,
            height=LEAST_HEIGHT,
        )
    if min(x, y) < -ROUNDING or x + width > 100 + ROUNDING or y + height > 100 + ROUNDING:
        return _("The field does not lie inside the page.")
    return ""


def checked_field_rows(
    rows: Sequence[FieldRow], draft: Contract, sizes: Sequence[PageSize], unit: Unit
) -> tuple[list[FieldRow], dict[str, list[Placement]]]:
    """Each row with its problem, and the places of each party."""
    shown: list[FieldRow] = []
    places: dict[str, list[Placement]] = {holder: [] for holder, _ in placed(draft)}
    for row in rows:
        found, problem = placements_of(row, draft, sizes, unit)
        if found and len(places[row.party]) + len(found) > MOST_PLACES:
            found, problem = [], translate()("A signature has at most {most} places.", most=MOST_PLACES)
        shown.append(replace(row, problem=problem))
        if found:
            places[row.party].extend(place for place in found if place not in places[row.party])
    return shown, places


USUAL_HEIGHT = 40.0
"""The upper edge in per cent of the page until somebody chooses."""


@dataclass(frozen=True, slots=True)
class CrossPageRow:
    """One seal's row: ``y`` as text in the form's unit."""

    party: str
    on: bool
    y: str
    diameter_mm: float
    problem: str = ""


def seal_parties(draft: Contract) -> list[Party]:
    """The parties that can have a seal across the pages."""
    return [party for party in draft.parties if party.kind is PartyKind.SEAL]


def diameters(draft: Contract) -> dict[str, float]:
    """Party → how wide its seal is, in millimetres."""
    return {party.id: appliance.registry.seal(party.subject).width_mm for party in seal_parties(draft)}


def cross_page_rows_of(draft: Contract, size: PageSize, unit: Unit, wide: dict[str, float]) -> list[CrossPageRow]:
    """The rows of a draft as it stands."""
    return [
        CrossPageRow(
            party.id,
            party.cross_page is not None,
            _written((party.cross_page.y if party.cross_page else USUAL_HEIGHT) * _scales(size, unit)[1], unit),
            wide[party.id],
        )
        for party in seal_parties(draft)
    ]


def posted_cross_page_rows(
    draft: Contract, sizes: Sequence[PageSize], unit: Unit, wide: dict[str, float]
) -> tuple[list[CrossPageRow], dict[str, CrossPage | None]]:
    """The rows of the form that was sent, each with its problem, and what they say."""
    rows: list[CrossPageRow] = []
    chosen: dict[str, CrossPage | None] = {}
    wanted = request.form.getlist("cross")
    for party in seal_parties(draft):
        text, on = field_value(f"cross-y-{party.id}"), party.id in wanted
        y, problem = _read_height(text, sizes, unit, wide[party.id]) if on else (None, "")
        rows.append(CrossPageRow(party.id, on, text, wide[party.id], problem))
        chosen[party.id] = None if y is None else CrossPage(y)
    return rows, chosen


def _read_height(text: str, sizes: Sequence[PageSize], unit: Unit, diameter_mm: float) -> tuple[float | None, str]:
    _ = translate()
    if len(sizes) < 2:
        return None, _("A cross-page seal needs at least two pages.")
    value = number_of(text)
    if value is None:
        return None, _("Give the height of the upper edge as a number.")
    y = value / _scales(sizes[0], unit)[1]
    lowest = min(millimetres(size)[1] for size in sizes)
    if y < 0 or y / 100 * lowest + diameter_mm > lowest:
        return None, _("The seal does not lie inside the page at this height.")
    return round(y, 3), ""
