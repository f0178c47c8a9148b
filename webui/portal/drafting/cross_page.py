"""Cross-page seals (骑缝章) in the form of step 3: whether, and at which height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from appliance.model.contract import Contract, CrossPage, Party, PartyKind
from appliance.pdf.values import PageSize
from webui.portal.drafting.controller import DraftController, field_value
from webui.portal.drafting.field_rows import Unit, number_of
from webui.portal.drafting.sheets import millimetres
from webui.shared.language import translate

USUAL = 40.0
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


def diameters(controller: DraftController, draft: Contract) -> dict[str, float]:
    """Party → how wide its seal is, in millimetres."""
    return {party.id: controller.appliance.registry.seal(party.subject).width_mm for party in seal_parties(draft)}


def cross_page_rows_of(draft: Contract, size: PageSize, unit: Unit, wide: dict[str, float]) -> list[CrossPageRow]:
    """The rows of a draft as it stands."""
    return [
        CrossPageRow(
            party.id,
            party.cross_page is not None,
            _shown_height(party.cross_page.y if party.cross_page else USUAL, size, unit),
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


def _shown_height(y: float, size: PageSize, unit: Unit) -> str:
    digits, scale = (1, millimetres(size)[1] / 100) if unit is Unit.MM else (2, 1.0)
    return f"{y * scale:.{digits}f}".rstrip("0").rstrip(".")


def _read_height(text: str, sizes: Sequence[PageSize], unit: Unit, diameter_mm: float) -> tuple[float | None, str]:
    _ = translate()
    if len(sizes) < 2:
        return None, _("A cross-page seal needs at least two pages.")
    value = number_of(text)
    if value is None:
        return None, _("Give the height of the upper edge as a number.")
    y = value / (millimetres(sizes[0])[1] / 100) if unit is Unit.MM else value
    lowest = min(millimetres(size)[1] for size in sizes)
    if y < 0 or y / 100 * lowest + diameter_mm > lowest:
        return None, _("The seal does not lie inside the page at this height.")
    return round(y, 3), ""
