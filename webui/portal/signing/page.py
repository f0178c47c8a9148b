"""``/contracts/ID/sign``: read what is about to be signed, go on to activate it, and come back when it is signed;
or hear why that is not possible now.

After a refused signature: the sheet again with the reason, prepared anew; or, where nothing is to be signed now,
the page that says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from flask import redirect, request, url_for

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signing import OpenedSigning
from appliance.errors import NotFound, ResultRefused
from appliance.model.contract import Contract, ContractState, Party, PartyKind, PartyState
from appliance.model.intent import IntentState, SigningOrigin
from appliance.model.people import SealRequestState
from appliance.seal_requests.status import NO_REASON, TOO_LONG
from appliance.signing_methods import SigningMethod
from hsm.errors import ActivationRefused, ActivationUsed, AuthorityUnreachable, RefusalError
from webui.portal import activations
from webui.portal.access import ContractView, request_origin, view_contract
from webui.portal.contracts.status_line import state_line
from webui.portal.pages import appliance
from webui.portal.signing.filling import fill_first
from webui.portal.signing.sheet import pages, signing_sheet
from webui.portal.to_sign import guests_without_code, waiting_signatures
from webui.shared.form_pages import Answer, FormProblems, render, see_other, status_in_workflow
from webui.shared.forms import sentence
from webui.shared.language import gap, translate

_OF_REASON = (NO_REASON, TOO_LONG)
"""What is said of the reason for which a seal is asked for."""

_INTENT = re.compile(r"[0-9a-f]{32}")
_LOOK_AGAIN = "2"
"""Seconds between two looks at a signature that is being finished."""


@pages.get("/contracts/<contract_id>/sign")
def sign(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = seen.own_party()
    instead = _response_before_signing(seen, party)
    if instead is not None or party is None:
        return instead or status_page(seen, party)
    try:
        opened = appliance.signing.open(contract_id, party.id, request_origin())
        if activations.is_activated(party.responsible, opened.intent.intent):  # and never came back from there
            return see_other("signing.activated", contract_id=contract_id, intent_id=opened.intent.id)
        return signing_sheet(opened)
    except RefusalError as refusal:
        return refusal_page(contract_id, None, refusal)


@pages.post("/contracts/<contract_id>/sign")
def activate(contract_id: str) -> Answer:
    """Keeps what was typed, and leads to the activation service."""
    seen = view_contract(contract_id)
    opened = _intent_of_visitor(seen, request.form.get("intent", ""))
    if opened is None:
        return see_other("signing.sign", contract_id=contract_id)
    if opened.intent.state is IntentState.COMPLETED:
        return _confirmed(opened)
    try:
        return _to_activation(opened, request.form.get("place", ""))
    except RefusalError as refusal:
        return refusal_page(contract_id, opened, refusal)


def activate_at_once(contract_id: str, party: Party, place: str) -> Answer:
    """To the activation service with the document that *party* has just asked to sign, or the page that says why
    not."""
    seen = view_contract(contract_id)
    instead = _response_before_signing(seen, party)
    if instead is not None:
        return instead
    try:
        opened = appliance.signing.open(contract_id, party.id, request_origin())
        return _to_activation(opened, place, paired=True)
    except RefusalError as refusal:
        return refusal_page(contract_id, None, refusal)


@pages.get("/contracts/<contract_id>/sign/<intent_id>/activated")
def activated(contract_id: str, intent_id: str) -> Answer:
    """Back from the activation service: makes the signature, once, or shows the sheet if nothing was confirmed."""
    seen = view_contract(contract_id)
    opened = _intent_of_visitor(seen, intent_id)
    if opened is None:
        return see_other("signing.sign", contract_id=contract_id)
    if opened.intent.state is IntentState.COMPLETED:
        return _confirmed(opened)
    by, intent = opened.party.responsible, opened.intent
    try:
        if intent.state is IntentState.PREPARED and not activations.is_activated(by, intent.intent):
            return see_other("signing.sign", contract_id=contract_id, party=opened.party.id)
        return _finished(opened)
    except RefusalError as refusal:
        return refusal_page(contract_id, opened, refusal)


def _finished(opened: OpenedSigning) -> Answer:
    """After the activation: the signature is made; or a seal is asked for, and used if that took nobody else."""
    if opened.party.kind is PartyKind.PERSON:
        return _next_act(opened, appliance.signing.finish(opened.intent.id))
    asked = appliance.seal_requests.ask(opened.intent.id, by=opened.party.responsible)
    if asked.state is SealRequestState.USED:
        return _confirmed(opened)
    return see_other("signing.seal_request", request_id=asked.id)


@pages.get("/contracts/<contract_id>/signed")
def confirmation(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = seen.own_party()
    if party is None or party.state is not PartyState.SIGNED:
        return _unfinished(seen, party)
    revision = next(each for each in seen.contract.revisions if each.party == party.id)
    waiting = waiting_signatures(seen.someone)
    return render(
        "signing/signed.html",
        contract=seen.contract,
        party=party,
        revision=revision,
        waiting=waiting,
        without_code=guests_without_code(seen),
        mail_works=appliance.mail.works(),
    )


def _response_before_signing(seen: ContractView, party: Party | None) -> Answer | None:
    """What comes before signing, or in its place; None when the document can be opened for signing."""
    contract = seen.contract
    if contract.state is ContractState.DRAFT:
        return redirect(f"/contracts/{contract.id}", 303)
    if party is None or contract.state is not ContractState.SENT:
        return status_page(seen, party)
    if party.state is PartyState.SIGNED:
        return see_other("signing.confirmation", contract_id=contract.id, party=party.id)
    refused = refusal_for(contract, Permission.SIGN, seen.who, seen.now, party)
    if refused is not None or party.method is SigningMethod.OWN_CERTIFICATE:
        return status_page(seen, party) if refused else see_other("signing.own", contract_id=contract.id)
    if party.kind is PartyKind.SEAL:
        asked = appliance.seal_requests.of_party(party.id)
        if asked is not None and asked.open:
            return see_other("signing.seal_request", request_id=asked.id)
    prerequisite = _reading_first(contract, party) or activations.prerequisite_response(contract, party)
    return prerequisite or fill_first(contract, party)


def _reading_first(contract: Contract, party: Party) -> Answer | None:
    """To the pages that have to be read before, where policy asks for that."""
    asked = appliance.reading.is_asked(contract, party.responsible)
    return see_other("signing.read", contract_id=contract.id) if asked else None


def _intent_of_visitor(seen: ContractView, intent_id: str) -> OpenedSigning | None:
    """The intent with this id, when it is one of this contract and this visitor."""
    if not _INTENT.fullmatch(intent_id):
        return None
    try:
        opened = appliance.signing.opened(seen.contract, intent_id)
    except NotFound:
        return None
    return opened if opened.party.responsible == seen.who.subject else None


def _to_activation(opened: OpenedSigning, place: str, *, paired: bool = False) -> Answer:
    intent, by = opened.intent, opened.party.responsible
    appliance.signing.record_location(intent.id, SigningOrigin(request_origin().address, place))
    if opened.contract.seal_after(opened.party) is not None:
        appliance.seal_requests.keep_reason(intent.id, reason=request.form.get("reason", ""))
    if opened.party.kind is PartyKind.SEAL:
        proposed = appliance.seal_requests.propose(intent.id, by=by, reason=request.form.get("reason", ""))
        opened = replace(opened, intent=proposed)
    back = url_for("signing.activated", contract_id=opened.contract.id, intent_id=intent.id)
    return activations.to_signing(by, opened, back, paired=paired)


def _next_act(signed: OpenedSigning, contract: Contract) -> Answer:
    """After the signature: the page that says so, or the act by which its signer asks for a seal."""
    party, reason = signed.contract.seal_after(signed.party), signed.intent.seal_reason
    if party is None or reason is None or contract.require_party(party.id) not in contract.on_turn:
        return _confirmed(signed)
    by = signed.party.responsible
    try:
        opened = appliance.signing.open(contract.id, party.id, request_origin())
        proposed = appliance.seal_requests.propose(opened.intent.id, by=by, reason=reason)
    except RefusalError:  # its own page says why
        return see_other("signing.sign", contract_id=contract.id, party=party.id)
    back = url_for("signing.activated", contract_id=contract.id, intent_id=proposed.id)
    return activations.to_signing(by, replace(opened, intent=proposed), back, paired=True)


def _confirmed(opened: OpenedSigning) -> Answer:
    return see_other("signing.confirmation", contract_id=opened.contract.id, party=opened.party.id)


def _unfinished(seen: ContractView, party: Party | None) -> Answer:
    """A signature that is there and is being dated or verified is waited for; else the signing page says more."""
    if party is None or not appliance.signing.under_way(party.id):
        return see_other("signing.sign", contract_id=seen.contract.id)
    response = render("signing/finishing.html", status=202, contract=seen.contract, party=party)
    response.headers["Refresh"] = _LOOK_AGAIN
    return response


_ENDED = {
    ContractState.RECALLED: "The initiator has recalled this contract; it is no longer to be signed.",
    ContractState.DECLINED: "This contract was declined; it is no longer to be signed.",
    ContractState.EXPIRED: "The deadline has passed; this contract can no longer be signed.",
    ContractState.SIGNED: "Everybody has signed this contract already.",
    ContractState.COMPLETED: "Everybody has signed this contract already.",
    ContractState.VOIDED: "All parties have declared this contract void.",
    ContractState.DISCARDED: "This draft was thrown away.",
}


def status_page(seen: ContractView, party: Party | None, *, status: int = 200) -> Answer:
    """The page that says so; *status* is 409 when the visitor had just tried to sign."""
    return render(
        "signing/waiting.html",
        status=status,
        contract=seen.contract,
        party=party,
        title=_title(seen, party),
        line=state_line(seen.contract, seen.who.subject, seen.now),
        turn=seen.contract.on_turn,
    )


def why_ended(contract: Contract, now: datetime) -> str:
    """Why the contract can no longer be signed, in the reader's language; empty while it can."""
    state = ContractState.EXPIRED if contract.is_overdue(now) else contract.state
    return translate()(_ENDED[state]) if state in _ENDED else ""


def _title(seen: ContractView, party: Party | None) -> str:
    say, why = translate(), why_ended(seen.contract, seen.now)
    if why:
        return why
    if party is None:
        return say("You are not asked to sign this contract.")
    if party.state is PartyState.SIGNED:
        return say("You have signed this contract already.")
    return say("It is not your turn yet.")


UNDER_WAY = (IntentState.SIGNING, IntentState.SIGNED, IntentState.STAMPED)
"""The authority was asked for the signature, and it is not complete."""

_RETRY = 5
"""Seconds after which a service that did not answer may be asked again."""


def refusal_page(contract_id: str, opened: OpenedSigning | None, refusal: RefusalError) -> Answer:
    """What the visitor sees after *refusal* of the intent that was *opened* (None: of preparing one).

    1. The signature is there, only not dated or verified yet: its page waits for it.
    2. The visitor cannot sign any more (signed already, ended, too late, not on turn): how the contract stands.
    3. The same intent can still be activated: the same sheet with the reason.
    4. Else the document is prepared anew, and one sentence says why.
    """
    seen = view_contract(contract_id)
    party = seen.own_party()
    now = None if opened is None else appliance.signing.opened(seen.contract, opened.intent.id)
    if now is not None and now.intent.state in UNDER_WAY:
        return see_other("signing.confirmation", contract_id=contract_id, party=now.party.id)
    if party is None or not _can_sign(seen, opened):
        return status_page(seen, party, status=409)
    if opened is None or isinstance(refusal, AuthorityUnreachable):
        raise refusal
    if now is not None and _holds(now):
        return _again(now, refusal)
    renewed = appliance.signing.open(contract_id, opened.party.id, request_origin())
    return signing_sheet(renewed, _why_renewed(opened, renewed, refusal), renewed=True, status=409)


def _can_sign(seen: ContractView, opened: OpenedSigning | None) -> bool:
    party = seen.own_party() if opened is None else seen.contract.party(opened.party.id)
    if party is None or party.state is not PartyState.WAITING or seen.contract.state is not ContractState.SENT:
        return False
    return refusal_for(seen.contract, Permission.SIGN, seen.who, seen.now, party) is None


def _holds(opened: OpenedSigning) -> bool:
    intent = opened.intent
    fresh = intent.base == opened.contract.current.number and appliance.now() < intent.intent.expires
    return intent.state is IntentState.PREPARED and fresh


def _again(opened: OpenedSigning, refusal: RefusalError) -> Answer:
    status = status_in_workflow(refusal)
    at = "reason" if refusal.template in _OF_REASON else ""
    response = signing_sheet(opened, refusal_sentence(refusal, status), at=at, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(_RETRY)
    return response


@contextmanager
def refusals_in_form(place: str = "") -> Iterator[None]:
    """What is refused while somebody activates is shown in the form, at its *place*. An authority that does not
    answer has a page of its own."""
    try:
        yield
    except AuthorityUnreachable:
        raise
    except RefusalError as refusal:
        status = status_in_workflow(refusal)
        raise FormProblems({place: refusal_sentence(refusal, status)}, status) from refusal


def refusal_sentence(refusal: RefusalError, status: int) -> str:
    """The refusal in the reader's language, with what it means for the signature."""
    say, words = translate(), sentence(refusal)
    if status == 503:
        return words + gap() + say("Nothing is signed and nothing is lost; try again in a moment.")
    if isinstance(refusal, ActivationRefused) and status == 403:
        return words + gap() + say("Nothing is signed.")
    return words


def _why_renewed(before: OpenedSigning, now: OpenedSigning, refusal: RefusalError) -> str:
    say = translate()
    if now.intent.base != before.intent.base:
        return say(
            "Another party signed while you were reading. The document below has that signature;"
            " look at it, then sign."
        )
    if isinstance(refusal, ResultRefused):
        return say(
            "The signature could not be verified and was thrown away. The document is ready again; sign it."
        )
    if isinstance(refusal, ActivationUsed):
        return say(
            "No signature was received, and what you confirmed counts no more."
            " The document is ready again; sign it."
        )
    return say(
        "The time for this signature was over, so the document has been made ready again; you can sign now."
    )
