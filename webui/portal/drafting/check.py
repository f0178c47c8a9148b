"""Step 4: everything in one view, what is missing with a link to its place, and sending."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response

from appliance.errors import ApplianceError, DocumentRefused
from appliance.language import instants
from appliance.model.contract import Contract
from appliance.model.review import ReviewRequestState
from webui.portal.contracts import status_line
from webui.portal.contracts.page import name_lookup
from webui.portal.drafting import cross_page
from webui.portal.drafting.controller import (
    NOTHING,
    DraftController,
    DraftStep,
    Remarks,
    field_value,
    redirect_to_step,
    seen_version,
)
from webui.portal.drafting.field_rows import write_pages
from webui.portal.drafting.party_buttons import PressedButton
from webui.portal.drafting.sheets import Sheet, party_mark, plain_sheets, shapes_by_page
from webui.portal.reviews.view import review_view
from webui.shared.language import current_language, translate

SHOWN = 12
"""Pages from the front that are always shown; besides them those with fields, up to MOST."""

MOST = 60

STEP_OF = {
    "document": DraftStep.DOCUMENT,
    "parties": DraftStep.PARTIES,
    "deadline": DraftStep.PARTIES,
    "fields": DraftStep.FIELDS,
    "review": DraftStep.CHECK,
}
ANCHOR_OF = {"parties": "#field-parties", "deadline": "#field-deadline", "review": "#review"}


@dataclass(frozen=True, slots=True)
class MissingPart:
    """Something that keeps the draft from being sent, and where to mend it."""

    sentence: str
    href: str


def add_check_step(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/check")
    def check(contract_id: str) -> Response:
        return _page(controller, controller.load_draft(contract_id), NOTHING)

    @pages.post("/contracts/<contract_id>/draft/check")
    def send(contract_id: str) -> Response:
        visitor = controller.visitor()
        if PressedButton.of_request().act == "review":
            return _asked(controller, controller.load_draft(contract_id))
        if PressedButton.of_request().act != "send":
            return controller.redirect_onward(controller.load_draft(contract_id), DraftStep.CHECK)
        try:
            return controller.once.redirected(visitor.subject, lambda: _sent(controller, contract_id))
        except ApplianceError as refusal:
            draft = controller.load_draft(contract_id)
            return _page(controller, draft, controller.remarks(refusal, draft))


def _asked(controller: DraftController, draft: Contract) -> Response:
    """Asks for a review of the draft as it stands."""
    try:
        controller.appliance.reviewing.ask(draft.id, by=draft.initiator, seen=field_value("document"))
    except ApplianceError as refusal:
        return _page(controller, draft, controller.remarks(refusal, draft))
    return redirect_to_step(draft.id, DraftStep.CHECK, anchor="review")


def _sent(controller: DraftController, contract_id: str) -> str:
    """Sends the draft; where the initiator goes then: to sign first, or to the contract."""
    draft = controller.load_draft(contract_id)
    sent = controller.appliance.sending.send(
        draft.id,
        by=draft.initiator,
        seen=seen_version(),
        accepting_unverified=field_value("unverified") == "accepted",
    )
    return f"/contracts/{sent.id}/sign" if _signs_first(sent) else f"/contracts/{sent.id}"


def _signs_first(contract: Contract) -> bool:
    return any(party.subject == contract.initiator for party in contract.parties)


def _page(controller: DraftController, draft: Contract, remarks: Remarks) -> Response:
    language = current_language()
    unchecked = _unchecked(controller, draft)
    standing = controller.appliance.reviewing.review_status(draft)
    sizes = controller.appliance.layouts.inspection(draft.original.digest).pages
    marks = {party.id: party_mark(party, language) for party in draft.parties}
    drawn = shapes_by_page(draft, sizes, marks, cross_page.diameters(controller, draft))
    shown = sorted({*range(1, min(SHOWN, draft.pages) + 1), *sorted(drawn)[:MOST]})
    return controller.step_page(
        DraftStep.CHECK,
        draft,
        remarks,
        lacking=_lacking(controller, draft),
        earlier=status_line.earlier_signature_lines(controller.parts, draft),
        outstanding=controller.appliance.sending.outstanding(draft),
        running_out=controller.appliance.sending.running_out(draft),
        marks=marks,
        review=review_view(controller.parts, draft, standing),
        unchecked=unchecked,
        review_asked=standing.request is not None
        and standing.request.state is ReviewRequestState.OPEN
        and standing.request.document == standing.document,
        names=name_lookup(controller.parts),
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


def _unchecked(controller: DraftController, draft: Contract) -> str:
    """Has the content checked, unless it is already; why it cannot be, if so."""
    try:
        controller.appliance.reviewing.check_content(draft, by=draft.initiator)
    except DocumentRefused as refusal:
        return translate()(refusal.template, **refusal.values)
    return ""


def _lacking(controller: DraftController, draft: Contract) -> list[MissingPart]:
    """Each once: what a person lacks stands once, also when the person signs and asks for a seal."""
    _ = translate()
    found = [
        MissingPart(
            _(problem.sentence.template, **problem.sentence.values),
            f"/contracts/{draft.id}/draft/{STEP_OF[problem.place]}{ANCHOR_OF.get(problem.place, '')}",
        )
        for problem in controller.appliance.sending.problems(draft)
    ]
    return list(dict.fromkeys(found))


def _spoken(sheet: Sheet, draft: Contract) -> str:
    """What is drawn on the page, for those who hear it."""
    _ = translate()
    here = [party.name for party in draft.parties if any(place.page + 1 == sheet.number for place in party.places)]
    if not here:
        return _("No fields")
    return _("Fields of {names}", names=_(", ").join(here))
