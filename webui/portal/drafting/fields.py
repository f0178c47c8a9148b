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
from webui.portal.drafting import crossing, keywords, spots
from webui.portal.drafting.adding import Button
from webui.portal.drafting.crossing import Crossing
from webui.portal.drafting.desk import NOTHING, Desk, Remarks, Step, seen, to, wants_json
from webui.portal.drafting.keywords import Keyword
from webui.portal.drafting.palette import Mark, mark
from webui.portal.drafting.sheets import Sheet, plain_sheets, shape, shapes_by_page
from webui.portal.drafting.spots import Spot, Unit
from webui.shared.language import current_language, translate

WINDOW = 100
"""Pages that are shown at a time."""

LONGEST_QUERY = 200
"""Letters of one word in an address."""


@dataclass(frozen=True, slots=True)
class Board:
    """What a request for this step is about: the draft, its pages, how parties are marked, the form's unit."""

    draft: Contract
    sizes: tuple[PageSize, ...]
    marks: dict[str, Mark]
    diameters: dict[str, float]
    unit: Unit
    first: int

    @classmethod
    def open(cls, desk: Desk, contract_id: str) -> Board:
        """The visitor's draft and how it is to be shown. Raises as :meth:`Desk.draft`."""
        draft = desk.draft(contract_id)
        language = current_language()
        first = request.values.get("from", "")
        at = int(first) if first.isascii() and first.isdecimal() and len(first) < 6 else 1
        unit = request.values.get("unit", "")
        return cls(
            draft,
            desk.appliance.layouts.inspection(draft.original.digest).pages,
            {party.id: mark(party, language) for party in draft.parties},
            crossing.diameters(desk, draft),
            Unit(unit) if unit in tuple(Unit) else Unit.PERCENT,
            (min(max(at, 1), draft.pages) - 1) // WINDOW * WINDOW + 1,
        )


def install(pages: Blueprint, desk: Desk) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/fields")
    def fields(contract_id: str) -> Response:
        board = Board.open(desk, contract_id)
        rows = spots.of(board.draft, board.sizes, board.unit)
        crosses = crossing.of(board.draft, board.sizes[0], board.unit, board.diameters)
        return _page(desk, board, rows, crosses, NOTHING)

    @pages.post("/contracts/<contract_id>/draft/fields")
    def save_fields(contract_id: str) -> Response:
        board = Board.open(desk, contract_id)
        button = Button.pressed()
        rows = _after(button, spots.posted(), board)
        shown, places = spots.judged(rows, board.draft, board.sizes, board.unit)
        crosses, chosen = crossing.posted(board.draft, board.sizes, board.unit, board.diameters)
        remarks = _problems(shown, crosses)
        if remarks.problems:
            return _page(desk, board, shown, crosses, remarks)
        if button.act == "anchor":
            _add_anchored(desk, board, places)
        try:
            draft = _save(desk, board.draft, places, chosen)
        except ApplianceError as refusal:
            now = replace(board, draft=desk.draft(contract_id))
            return _page(desk, now, shown, crosses, desk.remarks(refusal, now.draft))
        return _saved(desk, replace(board, draft=draft), button)


def _after(button: Button, rows: list[Spot], board: Board) -> list[Spot]:
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
    return [*rows, *spots.of(replace(board.draft, parties=tuple(added)), board.sizes, board.unit)]


def _problems(rows: Sequence[Spot], crosses: Sequence[Crossing]) -> Remarks:
    found = {f"spot-{index}": row.problem for index, row in enumerate(rows) if row.problem}
    found.update({f"cross-{row.party}": row.problem for row in crosses if row.problem})
    return Remarks(found)


def _save(
    desk: Desk, draft: Contract, places: dict[str, list[Placement]], crosses: dict[str, CrossPage | None]
) -> Contract:
    """The draft with what differs placed anew. Raises what the workflow refuses, when *seen* is old for one."""
    version = seen()
    for party in draft.parties:
        wanted, cross = tuple(places[party.id]), crosses.get(party.id)
        if wanted == party.places and cross == party.cross_page and version == draft.version:
            continue
        draft = desk.appliance.drafting.place(draft.id, party.id, wanted, cross, by=draft.initiator, seen=version)
        version = draft.version
    return draft


def _add_anchored(desk: Desk, board: Board, places: dict[str, list[Placement]]) -> None:
    wanted = keywords.asked(request.form.to_dict(), board.draft)
    if wanted is None:
        return
    found = keywords.looked_up(desk, board.draft, wanted, board.sizes, board.marks[wanted.party])
    known = places[wanted.party]
    known.extend(place for place in keywords.ticked(found) if place not in known)


def _saved(desk: Desk, board: Board, button: Button) -> Response:
    if wants_json():
        return desk.onward(board.draft, Step.FIELDS)
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
        return desk.onward(board.draft, Step.FIELDS)
    return to(board.draft.id, Step.FIELDS, anchor=anchor, **query)


def _page(
    desk: Desk, board: Board, rows: Sequence[Spot], crosses: Sequence[Crossing], remarks: Remarks
) -> Response:
    draft, language = board.draft, current_language()
    keyword = _keyword(desk, board)
    names = {party.id: party.name for party in draft.parties}
    return desk.page(
        Step.FIELDS,
        draft,
        remarks,
        unit=board.unit,
        marks=board.marks,
        rows=[_row(row, board, names) for row in rows],
        blank={**asdict(Spot("", "", "", "", "", "")), "name": "", "mark": Mark("", "", 0, 0)},
        crosses=[{**asdict(row), "name": names[row.party], "mark": board.marks[row.party]} for row in crosses],
        unplaced=not all(party.places for party in draft.parties),
        keyword=keyword,
        phrases=keywords.PHRASES,
        sides=_sides(),
        sheets=_sheets(board, keyword),
        windows=[(first, min(first + WINDOW - 1, draft.pages)) for first in range(1, draft.pages + 1, WINDOW)],
        first_sheet=board.first,
        least_width=spots.LEAST_WIDTH,
        least_height=spots.LEAST_HEIGHT,
        language=language,
    )


def _keyword(desk: Desk, board: Board) -> Keyword | None:
    wanted = keywords.asked(request.args.to_dict(), board.draft) if request.method == "GET" else None
    if wanted is None:
        return None
    return keywords.looked_up(desk, board.draft, wanted, board.sizes, board.marks[wanted.party])


def _row(row: Spot, board: Board, names: dict[str, str]) -> dict[str, Any]:
    unknown = Mark("", "?", 0, 0)
    return {**asdict(row), "name": names.get(row.party, "?"), "mark": board.marks.get(row.party, unknown)}


def _sides() -> list[tuple[str, str]]:
    _ = translate()
    return [
        (AnchorSide.AFTER, _("after the words")),
        (AnchorSide.BELOW, _("below the words")),
        (AnchorSide.OVER, _("over the words")),
    ]


def _sheets(board: Board, keyword: Keyword | None) -> list[Sheet]:
    """The window's pages with what is drawn on them."""
    drawn = shapes_by_page(board.draft, board.sizes, board.marks, board.diameters)
    last = min(board.first + WINDOW - 1, board.draft.pages)
    found: dict[int, list[Any]] = {}
    for place in keyword.places if keyword else ():
        colour = board.marks[keyword.party] if keyword else None
        if colour is not None:
            found.setdefault(place.page + 1, []).append(shape(place, board.sizes[place.page], colour, ""))
    return [
        replace(sheet, shapes=tuple(drawn.get(sheet.number, ())), found=tuple(found.get(sheet.number, ())))
        for sheet in plain_sheets(board.sizes, range(board.first, last + 1))
    ]
