"""``/contracts/ID/sign``: read what is about to be signed, and sign it; or hear why that is not possible now."""

from __future__ import annotations

import re

from flask import redirect, request

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signing import OpenedSigning
from appliance.errors import NotFound
from appliance.model.contract import ContractState, Party, PartyKind, PartyState
from appliance.model.intent import IntentState, SigningOrigin
from hsm.errors import RefusalError
from webui.portal.access import ContractView, request_origin, view_contract
from webui.portal.pages import Answer, appliance, render, see_other
from webui.portal.signing import activations
from webui.portal.signing.refusing import refusal_page, status_page
from webui.portal.signing.sheet import pages, signing_sheet

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
        return signing_sheet(appliance.signing.open(contract_id, party.id, request_origin()))
    except RefusalError as refusal:
        return refusal_page(contract_id, None, refusal)


@pages.post("/contracts/<contract_id>/sign")
def activate(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    opened = _posted_intent(seen)
    if opened is None:
        return see_other("signing.sign", contract_id=contract_id)
    if opened.intent.state is IntentState.COMPLETED:
        return _confirmed(opened)
    try:
        return _submit_activation(opened)
    except RefusalError as refusal:
        return refusal_page(contract_id, opened, refusal)


@pages.get("/contracts/<contract_id>/signed")
def confirmation(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = seen.own_party()
    if party is None or party.state is not PartyState.SIGNED:
        return _unfinished(seen, party)
    revision = next(each for each in seen.contract.revisions if each.party == party.id)
    return render("signing/signed.html", contract=seen.contract, party=party, revision=revision)


def _response_before_signing(seen: ContractView, party: Party | None) -> Answer | None:
    """What comes before signing, or in its place; None when the document can be opened for signing."""
    contract = seen.contract
    if contract.state is ContractState.DRAFT:
        return redirect(f"/contracts/{contract.id}", 303)
    if party is None or contract.state is not ContractState.SENT:
        return status_page(seen, party)
    if party.state is PartyState.SIGNED:
        return see_other("signing.confirmation", contract_id=contract.id, party=party.id)
    if refusal_for(contract, Permission.SIGN, seen.who, seen.now, party) is not None:
        return status_page(seen, party)
    if party.kind is PartyKind.SEAL:
        asked = appliance.seal_requests.of_party(party.id)
        if asked is not None and asked.open:
            return see_other("signing.seal_request", request_id=asked.id)
    return activations.prerequisite_response(contract, party)


def _posted_intent(seen: ContractView) -> OpenedSigning | None:
    """The intent that the form names, when it is one of this contract and this visitor."""
    posted = request.form.get("intent", "")
    if not _INTENT.fullmatch(posted):
        return None
    try:
        opened = appliance.signing.opened(seen.contract, posted)
    except NotFound:
        return None
    return opened if opened.party.responsible == seen.who.subject else None


def _submit_activation(opened: OpenedSigning) -> Answer:
    activation = activations.posted_activation(opened.party.responsible)
    here = SigningOrigin(request_origin().address, request.form.get("place", ""))
    if opened.party.kind is PartyKind.PERSON:
        appliance.signing.sign(opened.intent.id, [activation], here)
        return _confirmed(opened)
    appliance.signing.record_location(opened.intent.id, here)
    asked = appliance.seal_requests.ask(opened.intent.id, activation, reason=request.form.get("reason", ""))
    return see_other("signing.seal_request", request_id=asked.id)


def _confirmed(opened: OpenedSigning) -> Answer:
    return see_other("signing.confirmation", contract_id=opened.contract.id, party=opened.party.id)


def _unfinished(seen: ContractView, party: Party | None) -> Answer:
    """A signature that is there and is being dated or verified is waited for; else the signing page says more."""
    if party is None or not appliance.signing.under_way(party.id):
        return see_other("signing.sign", contract_id=seen.contract.id)
    response = render("signing/finishing.html", status=202, contract=seen.contract, party=party)
    response.headers["Refresh"] = _LOOK_AGAIN
    return response
