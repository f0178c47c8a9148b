"""Step 4: everything in one view, what is missing with a link to its place, and sending."""

from __future__ import annotations

from appliance.contracts.permissions import ContractActor
from appliance.errors import DocumentRefused
from appliance.language import instants
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract
from appliance.model.review import ReviewRequestState
from appliance.signing_methods import SigningMethod
from webui.portal.access import visitor
from webui.portal.drafting.field_rows import diameters, write_pages
from webui.portal.drafting.sheets import party_mark, shapes_by_page, sheets_of
from webui.portal.drafting.steps import (
    STEP_OF,
    DraftStep,
    PressedButton,
    drafter,
    field_value,
    load_draft,
    pages,
    redirect_onward,
    redirect_to_step,
    seen_version,
    step_form,
    step_page,
)
from webui.portal.pages import appliance, house_names, once, party_names
from webui.portal.reviews import review_rows
from webui.shared.form_pages import Answer
from webui.shared.forms import sentence, whole_number
from webui.shared.language import translate

SHOWN = 12
"""Pages from the front that are always shown; besides them those with fields, up to MOST."""

MOST = 60

ANCHOR_OF = {"parties": "#field-parties", "deadline": "#field-deadline", "review": "#review"}


def _signs_first(contract: Contract) -> bool:
    return any(party.subject == contract.initiator for party in contract.parties)


@pages.get("/contracts/<contract_id>/draft/check")
def check(contract_id: str) -> Answer:
    draft = load_draft(contract_id)
    unchecked = _unchecked(draft)
    status = appliance.reviewing.review_status(draft)
    asked = status.request
    sizes = appliance.layouts.inspection(draft.original.digest).pages
    marks = {party.id: party_mark(party) for party in draft.parties}
    drawn = shapes_by_page(draft, sizes, marks, diameters(draft))
    shown = sorted({*range(1, min(SHOWN, draft.pages) + 1), *sorted(drawn)[:MOST]})
    return step_page(
        DraftStep.CHECK,
        draft,
        lacking=_lacking(draft),
        annexes=appliance.annexes.of(draft.id),
        size_of=ByteSize,
        changes=appliance.amending.links(draft, ContractActor(draft.initiator)).changes,
        earlier=appliance.earlier.signatures_of(draft.original.digest),
        outstanding=appliance.sending.outstanding(draft),
        running_out=appliance.sending.running_out(draft),
        undiscussed=appliance.discussions.unresolved(draft.id),
        about=appliance.writing.texts.of_contract(draft.id, by=draft.initiator),
        marks=marks,
        review_status=status,
        rows=review_rows(status),
        unchecked=unchecked,
        review_asked=asked is not None
        and asked.state is ReviewRequestState.OPEN
        and asked.document == status.document,
        names=house_names(visitor().organisation),
        called=party_names(visitor().organisation),
        signs_first=_signs_first(draft),
        deadline=instants.named(draft.deadline.at, draft.deadline.zone),
        field_pages={
            party.id: write_pages(sorted({place.page + 1 for place in party.places})) for party in draft.parties
        },
        sheets=sheets_of(sizes, shown),
        drawn=drawn,
        spoken={number: _spoken(number, draft) for number in shown},
    )


@pages.post("/contracts/<contract_id>/draft/check")
@step_form(check, drafter)
def send(subject: str, contract_id: str) -> Answer:
    """Sends the draft, and leads the initiator on: to sign first, or to the contract."""
    button = PressedButton.of_request().act
    if button == "review":
        appliance.reviewing.ask(load_draft(contract_id).id, by=subject, seen=field_value("document"))
        return redirect_to_step(contract_id, DraftStep.CHECK, anchor="review")
    if button != "send":
        return redirect_onward(load_draft(contract_id), DraftStep.CHECK)

    def make() -> str:
        load_draft(contract_id)
        accepted = field_value("unverified") == "accepted"
        sent = appliance.sending.send(
            contract_id,
            by=subject,
            seen=seen_version(),
            accepting_unverified=accepted,
            leaving_open=whole_number(field_value("leaving-open"), 6) or 0,
        )
        if any(party.method is SigningMethod.VOUCHED for party in sent.parties):
            return f"/contracts/{sent.id}/vouch"
        return f"/contracts/{sent.id}/sign" if _signs_first(sent) else f"/contracts/{sent.id}"

    return once(subject, make)


def _unchecked(draft: Contract) -> str:
    """Has the content checked, unless it is already; why it cannot be, if so."""
    try:
        appliance.reviewing.check_content(draft, by=draft.initiator)
    except DocumentRefused as refusal:
        return sentence(refusal)
    return ""


def _lacking(draft: Contract) -> list[tuple[str, str]]:
    """What keeps the draft from being sent, and the address where it is corrected; what a person lacks is listed
    once, also when that person both signs and asks for a seal."""
    return list(
        dict.fromkeys(
            (
                translate()(problem.sentence.template, **problem.sentence.values),
                f"/contracts/{draft.id}/draft/{STEP_OF[problem.place]}{ANCHOR_OF.get(problem.place, '')}",
            )
            for problem in appliance.sending.problems(draft)
        )
    )


def _spoken(number: int, draft: Contract) -> str:
    """What is drawn on the page, for those who hear it."""
    _ = translate()
    here = [party.name for party in draft.parties if any(place.page + 1 == number for place in party.places)]
    if not here:
        return _("No fields")
    return _("Fields of {names}", names=_(", ").join(here))
