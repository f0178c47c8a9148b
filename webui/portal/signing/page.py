"""``/contracts/ID/sign``: read what is about to be signed, and sign it; or hear why that is not possible now."""

from __future__ import annotations

import re

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signing import OpenedSigning
from appliance.errors import NotFound
from appliance.model.contract import ContractState, Party, PartyKind, PartyState
from appliance.model.intent import IntentState, SigningOrigin
from hsm.errors import RefusalError
from webui.portal.access import ContractView, request_origin, view_contract
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.portal.signing.activations import prerequisite_response
from webui.portal.signing.refusing import refusal_page, status_page
from webui.portal.signing.sheet import grouped_digest, own_party, signing_sheet

_INTENT = re.compile(r"[0-9a-f]{32}")
_LOOK_AGAIN = "2"
"""Seconds between two looks at a signature that is being finished."""


def add_signing_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The page, the form's target, and the confirmation."""

    @pages.get("/contracts/<contract_id>/sign")
    def sign(contract_id: str) -> Response:
        seen = view_contract(contract_id)
        party = own_party(seen)
        instead = _response_before_signing(parts, seen, party)
        if instead is not None or party is None:
            return instead or status_page(parts, seen, party)
        try:
            return signing_sheet(parts, parts.appliance.signing.open(contract_id, party.id, request_origin()))
        except RefusalError as refusal:
            return refusal_page(parts, contract_id, None, refusal)

    @pages.post("/contracts/<contract_id>/sign")
    def activate(contract_id: str) -> Response:
        seen = view_contract(contract_id)
        opened = _posted_intent(parts, seen)
        if opened is None:
            return redirect(url_for("signing.sign", contract_id=contract_id), 303)
        if opened.intent.state is IntentState.COMPLETED:
            return _confirmed(opened)
        try:
            return _submit_activation(parts, opened)
        except RefusalError as refusal:
            return refusal_page(parts, contract_id, opened, refusal)

    @pages.get("/contracts/<contract_id>/signed")
    def confirmation(contract_id: str) -> Response:
        seen = view_contract(contract_id)
        party = own_party(seen)
        if party is None or party.state is not PartyState.SIGNED:
            return _unfinished(parts, seen, party)
        revision = next(each for each in seen.contract.revisions if each.party == party.id)
        page = render_template(
            "signing/signed.html",
            contract=seen.contract,
            party=party,
            revision=revision,
            digest=grouped_digest(bytes.fromhex(revision.digest)),
        )
        return make_response(page)


def _response_before_signing(parts: PortalParts, seen: ContractView, party: Party | None) -> Response | None:
    """What comes before signing, or in its place; None when the document can be opened for signing."""
    contract = seen.contract
    if contract.state is ContractState.DRAFT:
        return redirect(f"/contracts/{contract.id}", 303)
    if party is None or contract.state is not ContractState.SENT:
        return status_page(parts, seen, party)
    if party.state is PartyState.SIGNED:
        return redirect(url_for("signing.confirmation", contract_id=contract.id, party=party.id), 303)
    if refusal_for(contract, Permission.SIGN, seen.who, seen.now, party) is not None:
        return status_page(parts, seen, party)
    if party.kind is PartyKind.SEAL:
        asked = parts.appliance.seal_requests.of_party(party.id)
        if asked is not None and asked.open:
            return redirect(url_for("signing.seal_request", request_id=asked.id), 303)
    return prerequisite_response(parts, contract, party)


def _posted_intent(parts: PortalParts, seen: ContractView) -> OpenedSigning | None:
    """The intent that the form names, when it is one of this contract and this visitor."""
    posted = request.form.get("intent", "")
    if not _INTENT.fullmatch(posted):
        return None
    try:
        opened = parts.appliance.signing.opened(seen.contract.id, posted)
    except NotFound:
        return None
    return opened if opened.party.responsible == seen.who.subject else None


def _submit_activation(parts: PortalParts, opened: OpenedSigning) -> Response:
    activation = activations.posted_activation(opened.party.responsible)
    here = SigningOrigin(request_origin().address, request.form.get("place", ""))
    if opened.party.kind is PartyKind.PERSON:
        parts.appliance.signing.sign(opened.intent.id, [activation], here)
        return _confirmed(opened)
    parts.appliance.signing.record_location(opened.intent.id, here)
    asked = parts.appliance.seal_requests.ask(opened.intent.id, activation, reason=request.form.get("reason", ""))
    return redirect(url_for("signing.seal_request", request_id=asked.id), 303)


def _confirmed(opened: OpenedSigning) -> Response:
    address = url_for("signing.confirmation", contract_id=opened.contract.id, party=opened.party.id)
    return redirect(address, 303)


def _unfinished(parts: PortalParts, seen: ContractView, party: Party | None) -> Response:
    """A signature that is there and is being dated or verified is waited for; else the signing page says more."""
    if party is None or not parts.appliance.signing.under_way(party.id):
        return redirect(url_for("signing.sign", contract_id=seen.contract.id), 303)
    response = make_response(render_template("signing/finishing.html", contract=seen.contract, party=party), 202)
    response.headers["Refresh"] = _LOOK_AGAIN
    return response
