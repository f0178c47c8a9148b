"""Step 4: everything in one view, what is missing with a link to its place, and sending."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response

from appliance.errors import ApplianceError, DocumentRefused
from appliance.language import instants
from appliance.model.contract import Contract
from appliance.model.review import ReviewRequestState
from webui.portal import earlier
from webui.portal.contracts.page import names_of
from webui.portal.drafting import crossing
from webui.portal.drafting.adding import Button
from webui.portal.drafting.desk import NOTHING, Desk, Remarks, Step, seen, to, typed
from webui.portal.drafting.page_ranges import write_pages
from webui.portal.drafting.palette import mark
from webui.portal.drafting.sheets import Sheet, plain_sheets, shapes_by_page
from webui.portal.reviews.view import presented
from webui.shared.language import current_language, translate

SHOWN = 12
"""Pages from the front that are always shown; besides them those with fields, up to MOST."""

MOST = 60

STEP_OF = {
    "document": Step.DOCUMENT,
    "parties": Step.PARTIES,
    "deadline": Step.PARTIES,
    "fields": Step.FIELDS,
    "review": Step.CHECK,
}
ANCHOR_OF = {"parties": "#field-parties", "deadline": "#field-deadline", "review": "#review"}


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that keeps the draft from being sent, and where to mend it."""

    sentence: str
    href: str


def install(pages: Blueprint, desk: Desk) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/check")
    def check(contract_id: str) -> Response:
        return _page(desk, desk.draft(contract_id), NOTHING)

    @pages.post("/contracts/<contract_id>/draft/check")
    def send(contract_id: str) -> Response:
        visitor = desk.visitor()
        if Button.pressed().act == "review":
            return _asked(desk, desk.draft(contract_id))
        if Button.pressed().act != "send":
            return desk.onward(desk.draft(contract_id), Step.CHECK)
        try:
            return desk.once.redirected(visitor.subject, lambda: _sent(desk, contract_id))
        except ApplianceError as refusal:
            draft = desk.draft(contract_id)
            return _page(desk, draft, desk.remarks(refusal, draft))


def _asked(desk: Desk, draft: Contract) -> Response:
    """Asks for a review of the draft as it stands."""
    try:
        desk.appliance.reviewing.ask(draft.id, by=draft.initiator, seen=typed("document"))
    except ApplianceError as refusal:
        return _page(desk, draft, desk.remarks(refusal, draft))
    return to(draft.id, Step.CHECK, anchor="review")


def _sent(desk: Desk, contract_id: str) -> str:
    """Sends the draft; where the initiator goes then: to sign first, or to the contract."""
    draft = desk.draft(contract_id)
    sent = desk.appliance.sending.send(
        draft.id, by=draft.initiator, seen=seen(), accepting_unverified=typed("unverified") == "accepted"
    )
    return f"/contracts/{sent.id}/sign" if _signs_first(sent) else f"/contracts/{sent.id}"


def _signs_first(contract: Contract) -> bool:
    return any(party.subject == contract.initiator for party in contract.parties)


def _page(desk: Desk, draft: Contract, remarks: Remarks) -> Response:
    language = current_language()
    unchecked = _unchecked(desk, draft)
    standing = desk.appliance.reviewing.standing(draft)
    sizes = desk.appliance.layouts.inspection(draft.original.digest).pages
    marks = {party.id: mark(party, language) for party in draft.parties}
    drawn = shapes_by_page(draft, sizes, marks, crossing.diameters(desk, draft))
    shown = sorted({*range(1, min(SHOWN, draft.pages) + 1), *sorted(drawn)[:MOST]})
    return desk.page(
        Step.CHECK,
        draft,
        remarks,
        lacking=_lacking(desk, draft),
        earlier=earlier.lines(desk.parts, draft),
        outstanding=desk.appliance.sending.outstanding(draft),
        running_out=desk.appliance.sending.running_out(draft),
        marks=marks,
        review=presented(desk.parts, draft, standing),
        unchecked=unchecked,
        review_asked=standing.request is not None
        and standing.request.state is ReviewRequestState.OPEN
        and standing.request.document == standing.document,
        names=names_of(desk.parts),
        signs_first=_signs_first(draft),
        deadline=instants.named(draft.deadline.at, draft.deadline.zone),
        field_pages={
            party.id: write_pages(sorted({place.page + 1 for place in party.places})) for party in draft.parties
        },
        sheets=[
            replace(sheet, shapes=tuple(drawn.get(sheet.number, ())), spoken=_spoken(sheet, draft))
            for sheet in plain_sheets(sizes, shown)
        ],
    )


def _unchecked(desk: Desk, draft: Contract) -> str:
    """Has the content checked, unless it is already; why it cannot be, if so."""
    try:
        desk.appliance.reviewing.check(draft, by=draft.initiator)
    except DocumentRefused as refusal:
        return translate()(refusal.template, **refusal.values)
    return ""


def _lacking(desk: Desk, draft: Contract) -> list[Lack]:
    """Each once: what a person lacks stands once, also when the person signs and asks for a seal."""
    _ = translate()
    found = [
        Lack(
            _(problem.sentence.template, **problem.sentence.values),
            f"/contracts/{draft.id}/draft/{STEP_OF[problem.place]}{ANCHOR_OF.get(problem.place, '')}",
        )
        for problem in desk.appliance.sending.problems(draft)
    ]
    return list(dict.fromkeys(found))


def _spoken(sheet: Sheet, draft: Contract) -> str:
    """What is drawn on the page, for those who hear it."""
    _ = translate()
    here = [party.name for party in draft.parties if any(place.page + 1 == sheet.number for place in party.places)]
    if not here:
        return _("No fields")
    return _("Fields of {names}", names=_(", ").join(here))
