"""Step 3: where the fields go. The form is whole without script; fields.js only fills it in by pointing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import Blueprint, Response, request

from appliance.contracts.draft_rules import AnchorSide, default_placement
from appliance.errors import ApplianceError
from appliance.model.contract import Contract, CrossPage, Placement
from appliance.pdf.values import PageSize
from webui.portal.drafting import cross_page, field_rows, keywords
from webui.portal.drafting.controller import (
    NOTHING,
    DraftController,
    DraftStep,
    Remarks,
    redirect_to_step,
    seen_version,
    wants_json,
)
from webui.portal.drafting.cross_page import CrossPageRow
from webui.portal.drafting.field_rows import FieldRow, Unit
from webui.portal.drafting.keywords import KeywordSearch
from webui.portal.drafting.party_buttons import PressedButton
from webui.portal.drafting.sheets import (
    PartyMark,
    Sheet,
    party_mark,
    placement_shape,
    plain_sheets,
    shapes_by_page,
)
from webui.shared.language import current_language, translate

WINDOW = 100
"""Pages that are shown at a time."""

LONGEST_QUERY = 200
"""Letters of one word in an address."""


@dataclass(frozen=True, slots=True)
class FieldsView:
    """What a request for this step is about: the draft, its pages, how parties are marked, the form's unit."""

    draft: Contract
    sizes: tuple[PageSize, ...]
    marks: dict[str, PartyMark]
    diameters: dict[str, float]
    unit: Unit
    first: int

    @classmethod
    def of_request(cls, controller: DraftController, contract_id: str) -> FieldsView:
        """The visitor's draft and how it is to be shown. Raises as :meth:`DraftController.load_draft`."""
        draft = controller.load_draft(contract_id)
        language = current_language()
        first = request.values.get("from", "")
        at = int(first) if first.isascii() and first.isdecimal() and len(first) < 6 else 1
        unit = request.values.get("unit", "")
        return cls(
            draft,
            controller.appliance.layouts.inspection(draft.original.digest).pages,
            {party.id: party_mark(party, language) for party in draft.parties},
            cross_page.diameters(controller, draft),
            Unit(unit) if unit in tuple(Unit) else Unit.PERCENT,
            (min(max(at, 1), draft.pages) - 1) // WINDOW * WINDOW + 1,
        )


def add_fields_step(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/fields")
    def fields(contract_id: str) -> Response:
        board = FieldsView.of_request(controller, contract_id)
        rows = field_rows.field_rows_of(board.draft, board.sizes, board.unit)
        crosses = cross_page.cross_page_rows_of(board.draft, board.sizes[0], board.unit, board.diameters)
        return _page(controller, board, rows, crosses, NOTHING)

    @pages.post("/contracts/<contract_id>/draft/fields")
    def save_fields(contract_id: str) -> Response:
        board = FieldsView.of_request(controller, contract_id)
        button = PressedButton.of_request()
        rows = _after(button, field_rows.posted_field_rows(), board)
        shown, places = field_rows.checked_field_rows(rows, board.draft, board.sizes, board.unit)
        crosses, chosen = cross_page.posted_cross_page_rows(board.draft, board.sizes, board.unit, board.diameters)
        remarks = _problems(shown, crosses)
        if remarks.problems:
            return _page(controller, board, shown, crosses, remarks)
        if button.act == "anchor":
            _add_anchored(controller, board, places)
        try:
            draft = _save(controller, board.draft, places, chosen)
        except ApplianceError as refusal:
            now = replace(board, draft=controller.load_draft(contract_id))
            return _page(controller, now, shown, crosses, controller.remarks(refusal, now.draft))
        return _saved(controller, replace(board, draft=draft), button)


def _after(button: PressedButton, rows: list[FieldRow], board: FieldsView) -> list[FieldRow]:
    """The rows once *button* has removed or added some."""
    if button.act == "remove" and button.about in map(str, range(len(rows))):
        return [row for index, row in enumerate(rows) if index != int(button.about)]
    placed = {row.party for row in rows}
    parties = board.draft.parties
    match button.act:
        case "add":
            wanted = [party for party in parties if party.id == button.about]
        case "usual":
            wanted = [party for party in parties if party.id not in placed]
        case _:
            return rows
    added = [
        replace(party, placement=default_placement(party.kind, party.position, board.draft.pages), more=())
        for party in wanted
    ]
    return [*rows, *field_rows.field_rows_of(replace(board.draft, parties=tuple(added)), board.sizes, board.unit)]


def _problems(rows: Sequence[FieldRow], crosses: Sequence[CrossPageRow]) -> Remarks:
    found = {f"spot-{index}": row.problem for index, row in enumerate(rows) if row.problem}
    found.update({f"cross-{row.party}": row.problem for row in crosses if row.problem})
    return Remarks(found)


def _save(
    controller: DraftController,
    draft: Contract,
    places: dict[str, list[Placement]],
    crosses: dict[str, CrossPage | None],
) -> Contract:
    """The draft with what differs placed anew. Raises what the workflow refuses, when *seen* is old for one."""
    version = seen_version()
    for party in draft.parties:
        wanted, cross = tuple(places[party.id]), crosses.get(party.id)
        if wanted == party.places and cross == party.cross_page and version == draft.version:
            continue
        draft = controller.appliance.drafting.place(
            draft.id, party.id, wanted, cross, by=draft.initiator, seen=version
        )
        version = draft.version
    return draft


def _add_anchored(controller: DraftController, board: FieldsView, places: dict[str, list[Placement]]) -> None:
    wanted = keywords.requested_search(request.form.to_dict(), board.draft)
    if wanted is None:
        return
    found = keywords.run_search(controller, board.draft, wanted, board.sizes, board.marks[wanted.party])
    known = places[wanted.party]
    known.extend(place for place in keywords.ticked_places(found) if place not in known)


def _saved(controller: DraftController, board: FieldsView, button: PressedButton) -> Response:
    if wants_json():
        return controller.redirect_onward(board.draft, DraftStep.FIELDS)
    query = {
        "unit": button.about[:LONGEST_QUERY] if button.act == "unit" else board.unit,
        "from": str(board.first),
    }
    anchor = ""
    if button.act == "window":
        query["from"] = button.about[:LONGEST_QUERY]
    if button.act == "find":
        query.update(
            {name: request.form.get(name, "")[:LONGEST_QUERY] for name in ("phrase", "keyword-party", "side")}
        )
        anchor = "keywords"
    if button.act in ("save", "") and request.form.get("go"):
        return controller.redirect_onward(board.draft, DraftStep.FIELDS)
    return redirect_to_step(board.draft.id, DraftStep.FIELDS, anchor=anchor, **query)


def _page(
    controller: DraftController,
    board: FieldsView,
    rows: Sequence[FieldRow],
    crosses: Sequence[CrossPageRow],
    remarks: Remarks,
) -> Response:
    draft, language = board.draft, current_language()
    keyword = _keyword(controller, board)
    names = {party.id: party.name for party in draft.parties}
    return controller.step_page(
        DraftStep.FIELDS,
        draft,
        remarks,
        unit=board.unit,
        marks=board.marks,
        rows=[_row(row, board, names) for row in rows],
        blank={**asdict(FieldRow("", "", "", "", "", "")), "name": "", "mark": PartyMark("", "", 0, 0)},
        crosses=[{**asdict(row), "name": names[row.party], "mark": board.marks[row.party]} for row in crosses],
        unplaced=not all(party.places for party in draft.parties),
        keyword=keyword,
        phrases=keywords.PHRASES,
        sides=_sides(),
        sheets=_sheets(board, keyword),
        windows=[(first, min(first + WINDOW - 1, draft.pages)) for first in range(1, draft.pages + 1, WINDOW)],
        first_sheet=board.first,
        least_width=field_rows.LEAST_WIDTH,
        least_height=field_rows.LEAST_HEIGHT,
        language=language,
    )


def _keyword(controller: DraftController, board: FieldsView) -> KeywordSearch | None:
    wanted = keywords.requested_search(request.args.to_dict(), board.draft) if request.method == "GET" else None
    if wanted is None:
        return None
    return keywords.run_search(controller, board.draft, wanted, board.sizes, board.marks[wanted.party])


def _row(row: FieldRow, board: FieldsView, names: dict[str, str]) -> dict[str, Any]:
    unknown = PartyMark("", "?", 0, 0)
    return {**asdict(row), "name": names.get(row.party, "?"), "mark": board.marks.get(row.party, unknown)}


def _sides() -> list[tuple[str, str]]:
    _ = translate()
    return [
        (AnchorSide.AFTER, _("after the words")),
        (AnchorSide.BELOW, _("below the words")),
        (AnchorSide.OVER, _("over the words")),
    ]


def _sheets(board: FieldsView, keyword: KeywordSearch | None) -> list[Sheet]:
    """The window's pages with what is drawn on them."""
    drawn = shapes_by_page(board.draft, board.sizes, board.marks, board.diameters)
    last = min(board.first + WINDOW - 1, board.draft.pages)
    found: dict[int, list[Any]] = {}
    for place in keyword.places if keyword else ():
        colour = board.marks[keyword.party] if keyword else None
        if colour is not None:
            found.setdefault(place.page + 1, []).append(
                placement_shape(place, board.sizes[place.page], colour, "")
            )
    return [
        replace(sheet, shapes=tuple(drawn.get(sheet.number, ())), found=tuple(found.get(sheet.number, ())))
        for sheet in plain_sheets(board.sizes, range(board.first, last + 1))
    ]
