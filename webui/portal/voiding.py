"""``/contracts/ID/void/answer``: a party declares a completed contract void with the own key, or refuses to."""

from __future__ import annotations

import json
import re

from flask import Blueprint, request, url_for
from werkzeug.exceptions import BadRequest

from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from webui.portal import activations
from webui.portal.access import ContractView, refusals_of, view_contract
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import posted_number

_DECLARATION = re.compile(r"[0-9a-f]{24}")

pages = Blueprint("voiding", __name__, url_prefix="/contracts/<contract_id>/void")


@pages.get("/answer")
def answer(contract_id: str) -> Answer:
    """A declaration made ready to sign, and the form to refuse."""
    seen = view_contract(contract_id)
    seen.require(Permission.AGREE_TO_VOID)
    declaration = appliance.voiding.prepare(seen.contract.id, by=seen.who.subject)
    known = activations.means_of(seen.who.subject)
    proposal = seen.contract.voiding
    return render(
        "contracts/void.html",
        contract=seen.contract,
        proposal=proposal,
        proposer="" if proposal is None else appliance.registry.person(proposal.by).name,
        declaration=declaration,
        record=json.loads(declaration.record),
        digest=declaration.intent.digest.hex(),
        means=known,
    )


@pages.post("/declare")
@form(answer, view_contract, refusals=())
def declare(seen: ContractView, contract_id: str) -> Answer:
    prepared, by = request.form.get("declaration", ""), seen.who.subject
    if not _DECLARATION.fullmatch(prepared):
        raise BadRequest
    with refusals_of(contract_id, Permission.AGREE_TO_VOID):
        declaration = appliance.voiding.declaration(contract_id, prepared, by=by)
        back = url_for("voiding.activated", contract_id=contract_id, declaration_id=prepared)
        return activations.to_activation(by, declaration.intent, back, record=declaration.record)


@pages.get("/<declaration_id>/activated")
@form(answer, view_contract, refusals=())
def activated(seen: ContractView, contract_id: str, declaration_id: str) -> Answer:
    """Back from the activation service: the declaration is made, if it was confirmed."""
    with refusals_of(contract_id, Permission.AGREE_TO_VOID):
        declaration = appliance.voiding.declaration(contract_id, declaration_id, by=seen.who.subject)
        if declaration.signed is None:
            if not activations.is_activated(seen.who.subject, declaration.intent):
                return see_other("voiding.answer", contract_id=contract_id)
            appliance.voiding.declare(contract_id, declaration_id)
    return see_other("contracts.page", contract_id=contract_id, done="declared")


@pages.post("/refuse")
@form(answer, view_contract, refusals=())
def refuse(seen: ContractView, contract_id: str) -> Answer:
    reason, version, by = request.form.get("reason", "").strip(), posted_number("seen", 9), seen.who.subject

    def make() -> str:
        appliance.voiding.refuse(contract_id, reason=reason, by=by, seen=version)
        return url_for("contracts.page", contract_id=contract_id, done="refused")

    place = "" if 0 < len(reason) <= LONGEST_REASON else "reason"
    with refusals_of(contract_id, Permission.REFUSE_TO_VOID, place):
        return once(by, make)
