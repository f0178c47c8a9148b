"""Step 3: where the fields go. The form works without script; fields.js only fills it in by pointing.

Placing by keyword: the places where the words occur, and a field after, below or over each place that is ticked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import request

from appliance.contracts.draft_rules import AnchorSide, default_placement, place_beside, places_from_the_foot
from appliance.errors import DocumentRefused
from appliance.model.contract import Contract, CrossPage, Party, PartyKind, Placement
from appliance.model.seal_rules import PermittedUse
from appliance.pdf.values import FoundPhrase, PageSize
from webui.portal.drafting import field_rows, inputs
from webui.portal.drafting.field_rows import CrossPageRow, FieldRow, Unit
from webui.portal.drafting.sheets import (
    PartyMark,
    SheetShape,
    party_mark,
    placement_shape,
    shapes_by_page,
    sheets_of,
)
from webui.portal.drafting.steps import (
    DraftStep,
    PressedButton,
    load_draft,
    pages,
    redirect_onward,
    redirect_to_step,
    seen_version,
    step_form,
    step_page,
    wants_json,
)
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems
from webui.shared.forms import member_of, sentence, whole_number
from webui.shared.language import translate

WINDOW = 100
"""Pages that are shown at a time."""

LONGEST_QUERY = 200
"""Characters of one word in an address."""

PHRASES = (
    "签字：",
    "盖章：",
    "签名：",
    "法定代表人：",
    "授权代表：",
    "甲方（盖章）",
    "乙方（盖章）",
    "Signature:",
    "By:",
)
"""Words that contracts have where they are signed."""


@dataclass(frozen=True, slots=True)
class KeywordSearch:
    """What is looked for, for whom, and where the field goes."""

    phrase: str
    party: str
    side: AnchorSide
    places: tuple[Placement, ...] = ()
    found: tuple[FoundPhrase, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FieldsView:
    """What a request for this step is about: the draft, its pages, how parties are marked, the form's unit."""

    draft: Contract
    sizes: tuple[PageSize, ...]
    marks: dict[str, PartyMark]
    diameters: dict[str, float]
    unit: Unit
    first: int


@dataclass(frozen=True, slots=True)
class TypedFields:
    """What the form says: its rows, each with its problem, and the places of each party. ``homeless``: the names
    of those for whom there is no free place."""

    rows: list[FieldRow]
    crosses: list[CrossPageRow]
    places: dict[str, list[Placement]]
    chosen: dict[str, CrossPage | None]
    homeless: tuple[str, ...] = ()

    def problems(self) -> dict[str, str]:
        """By the field's name."""
        found = {f"spot-{index}": row.problem for index, row in enumerate(self.rows) if row.problem}
        return found | {f"cross-{row.party}": row.problem for row in self.crosses if row.problem}


def _view(contract_id: str) -> FieldsView:
    """The visitor's draft and how it is to be shown. Raises as :func:`load_draft`."""
    draft = load_draft(contract_id)
    marks = {party.id: party_mark(party) for party in draft.parties}
    at = whole_number(request.values.get("from", ""), 5)
    return FieldsView(
        draft,
        appliance.layouts.inspection(draft.original.digest).pages,
        marks | inputs.input_marks(draft, marks),
        field_rows.diameters(draft),
        member_of(Unit, request.values.get("unit", "")) or Unit.PERCENT,
        (min(max(1 if at is None else at, 1), draft.pages) - 1) // WINDOW * WINDOW + 1,
    )


def _typed(board: FieldsView, button: PressedButton) -> TypedFields:
    rows, homeless = _after(button, field_rows.posted_field_rows(), board)
    shown, places = field_rows.checked_field_rows(rows, board.draft, board.sizes, board.unit)
    crosses, chosen = field_rows.posted_cross_page_rows(board.draft, board.sizes, board.unit, board.diameters)
    return TypedFields(shown, crosses, places, chosen, homeless)


def _stored(board: FieldsView) -> TypedFields:
    rows = field_rows.field_rows_of(board.draft, board.sizes, board.unit)
    crosses = field_rows.cross_page_rows_of(board.draft, board.sizes[0], board.unit, board.diameters)
    return TypedFields(rows, crosses, {}, {})


@pages.get("/contracts/<contract_id>/draft/fields")
def fields(contract_id: str) -> Answer:
    board, posted = _view(contract_id), request.method == "POST"
    draft = board.draft
    shown = _typed(board, PressedButton.of_request()) if posted else _stored(board)
    keyword = None if posted else _search(board, request.args)
    say = translate()
    return step_page(
        DraftStep.FIELDS,
        draft,
        unit=board.unit,
        marks=board.marks,
        rows=shown.rows,
        crosses=shown.crosses,
        names=_names(draft),
        inputs=list(inputs.inputs_of(draft)),
        fillers=inputs.fillers(draft),
        new_input=inputs.TypedInput.posted() if posted else inputs.TypedInput(),
        unknown=PartyMark("", "?", 0, 0),
        unplaced=not all(places for _, places in field_rows.placed(draft)),
        keyword=keyword,
        phrases=PHRASES,
        sides=[
            (AnchorSide.AFTER, say("after the words")),
            (AnchorSide.BELOW, say("below the words")),
            (AnchorSide.OVER, say("over the words")),
        ],
        sheets=sheets_of(board.sizes, range(board.first, min(board.first + WINDOW, draft.pages + 1))),
        drawn=_drawn(board),
        found=_found_by_page(board, keyword),
        windows=[(first, min(first + WINDOW - 1, draft.pages)) for first in range(1, draft.pages + 1, WINDOW)],
        first_sheet=board.first,
        least_width=field_rows.LEAST_WIDTH,
        least_height=field_rows.LEAST_HEIGHT,
    )


def _names(draft: Contract) -> dict[str, str]:
    """What each field is called: by its party, or by what is filled in."""
    own = {party.id: party.name for party in draft.parties}
    return own | {each.id: each.label for _, each in inputs.inputs_of(draft)}


def _drawn(board: FieldsView) -> dict[int, list[SheetShape]]:
    drawn = shapes_by_page(board.draft, board.sizes, board.marks, board.diameters)
    for page, shape in inputs.input_shapes(board.draft, board.sizes, board.marks):
        drawn.setdefault(page, []).append(shape)
    return drawn


@pages.post("/contracts/<contract_id>/draft/fields")
@step_form(fields, _view)
def save_fields(board: FieldsView, contract_id: str) -> Answer:
    button = PressedButton.of_request()
    typed = _typed(board, button)
    problems = typed.problems()
    if problems:
        raise FormProblems(problems)
    if button.act == "anchor":
        _add_anchored(board, typed.places)
    saved = _save(board.draft, typed)
    if typed.homeless:
        sentence = "There is no free place on the last page for {names}; place these fields yourself."
        raise FormProblems({"": translate()(sentence, names=translate()(", ").join(typed.homeless))})
    if button.act == "define":
        saved = inputs.define(saved, saved.version)
    if button.act == "undefine":
        by, seen = saved.initiator, saved.version
        saved = appliance.signer_inputs.remove(saved.id, button.about, by=by, seen=seen)
    return _saved(replace(board, draft=saved), button)


def _after(
    button: PressedButton, rows: list[FieldRow], board: FieldsView
) -> tuple[list[FieldRow], tuple[str, ...]]:
    """The rows once *button* has removed or added some, and the names of those for whom there was no place."""
    if button.act == "remove" and button.about in map(str, range(len(rows))):
        return [row for index, row in enumerate(rows) if index != int(button.about)], ()
    if button.act not in ("add", "usual"):
        return rows, ()
    draft, there = board.draft, {row.party for row in rows}

    def wanted(holder: str) -> bool:
        return holder == button.about if button.act == "add" else holder not in there

    parties = [party for party in draft.parties if wanted(party.id)]
    found: list[tuple[Party, Placement | None]]
    if button.act == "add":
        found = [(each, default_placement(each.kind, each.position, draft.pages)) for each in parties]
    else:
        found = _free_places(board, rows, parties)
    places, added = {party.id: place for party, place in found}, []
    for party in draft.parties:
        fields = (each for each in party.inputs if wanted(each.id))
        filled = [replace(each, places=(inputs.usual_place(each.number),)) for each in fields]
        added.append(replace(_at(party, places.get(party.id)), inputs=tuple(filled)))
    more = field_rows.field_rows_of(replace(draft, parties=tuple(added)), board.sizes, board.unit)
    return [*rows, *more], tuple(party.name for party, place in found if place is None)


def _at(party: Party, place: Placement | None) -> Party:
    return replace(party, placement=place, more=())


def _free_places(
    board: FieldsView, rows: list[FieldRow], wanted: list[Party]
) -> list[tuple[Party, Placement | None]]:
    """A place on the last page for each of *wanted*, where neither text nor another field is, and which the rules
    of a seal allow; None where there is none."""
    draft, found = board.draft, list[tuple[Party, Placement | None]]()
    options = {each.id: places_from_the_foot(each.kind, each.position, draft.pages) for each in wanted}
    every = list(dict.fromkeys(place for places in options.values() for place in places))
    blank = (
        dict(zip(every, appliance.layouts.blank_places(draft.original.digest, every), strict=True))
        if every
        else {}
    )
    _, places = field_rows.checked_field_rows(rows, draft, board.sizes, board.unit)
    taken = [place for each in places.values() for place in each]
    for party in wanted:
        seal = party.kind is PartyKind.SEAL
        rules = appliance.office.seals.rules(party.subject) if seal else PermittedUse()
        fits = (
            place
            for place in options[party.id]
            if blank[place]
            and not any(place.shared_with(other) > 0 for other in taken)
            and not any(rules.misplaced(_at(party, place), draft.pages))
        )
        place = next(fits, None)
        taken += [] if place is None else [place]
        found.append((party, place))
    return found


def _save(draft: Contract, typed: TypedFields) -> Contract:
    """The draft with what differs placed anew. Raises what the workflow refuses, an old version for example."""
    version = seen_version()
    for party in draft.parties:
        wanted, cross = tuple(typed.places[party.id]), typed.chosen.get(party.id)
        if wanted == party.places and cross == party.cross_page and version == draft.version:
            continue
        draft = appliance.drafting.place(draft.id, party.id, wanted, cross, by=draft.initiator, seen=version)
        version = draft.version
    return inputs.place_inputs(draft, typed.places, version)


def _add_anchored(board: FieldsView, places: dict[str, list[Placement]]) -> None:
    """Adds the places of those hits that were left ticked."""
    found, ticked = _search(board, request.form), set(request.form.getlist("hit"))
    for index, place in enumerate(found.places if found else ()):
        if str(index) in ticked and found and place not in places[found.party]:
            places[found.party].append(place)


def _saved(board: FieldsView, button: PressedButton) -> Answer:
    if wants_json() or (button.act in ("save", "") and request.form.get("go")):
        return redirect_onward(board.draft, DraftStep.FIELDS)
    query = {"unit": str(board.unit), "from": str(board.first)}
    if button.act in ("unit", "window"):
        query["unit" if button.act == "unit" else "from"] = button.about[:LONGEST_QUERY]
    if button.act in ("define", "undefine"):
        return redirect_to_step(board.draft.id, DraftStep.FIELDS, anchor="inputs", **query)
    if button.act != "find":
        return redirect_to_step(board.draft.id, DraftStep.FIELDS, **query)
    names = ("phrase", "keyword-party", "side")
    query |= {name: request.form.get(name, "")[:LONGEST_QUERY] for name in names}
    return redirect_to_step(board.draft.id, DraftStep.FIELDS, anchor="keywords", **query)


def _search(board: FieldsView, values: Mapping[str, str]) -> KeywordSearch | None:
    """The search that *values* (of a form or an address) ask for, with the places where its words stand, and the
    fields that would go there; None for no search."""
    party, side = values.get("keyword-party", ""), member_of(AnchorSide, values.get("side", ""))
    if party not in board.marks or side is None or "phrase" not in values:
        return None
    wanted = KeywordSearch(values["phrase"].strip(), party, side)
    if not wanted.phrase:
        return replace(wanted, problem=translate()("Type the words to look for."))
    try:
        found = appliance.layouts.find_phrases(board.draft.original.digest, [wanted.phrase])
    except DocumentRefused as refusal:
        return replace(wanted, problem=sentence(refusal))
    mark = board.marks[party]
    width, height = mark.width_mm, mark.height_mm
    places = [place_beside(hit, side, board.sizes[hit.page], width_mm=width, height_mm=height) for hit in found]
    return replace(wanted, places=tuple(places), found=found)


def _found_by_page(board: FieldsView, keyword: KeywordSearch | None) -> dict[int, list[SheetShape]]:
    """Page number (from 1) → the fields that would go there."""
    found: dict[int, list[SheetShape]] = {}
    if keyword is not None:
        for place in keyword.places:
            shape = placement_shape(place, board.sizes[place.page], board.marks[keyword.party])
            found.setdefault(place.page + 1, []).append(shape)
    return found
