"""``/contracts/ID/void/answer``: a party declares a completed contract void with the own key, or refuses to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from flask import Blueprint, request, url_for
from werkzeug.exceptions import BadRequest

from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from appliance.errors import PreconditionRefused, StateRefused
from hsm.errors import ActivationLocked, ActivationRefused
from webui.portal.access import ContractView, view_again, view_contract
from webui.portal.pages import Answer, appliance, once, render, status_in_workflow
from webui.portal.signing import activations
from webui.shared.forms import posted_number, sentence

_DECLARATION = re.compile(r"[0-9a-f]{24}")

pages = Blueprint("voiding", __name__, url_prefix="/contracts/<contract_id>/void")


@pages.get("/answer")
def answer(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    seen.require(Permission.AGREE_TO_VOID)
    return _void_page(seen)


@pages.post("/declare")
def declare(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    prepared = request.form.get("declaration", "")
    if not _DECLARATION.fullmatch(prepared):
        raise BadRequest

    def declared() -> None:
        activation = activations.posted_activation(seen.who.subject)
        appliance.voiding.declare(contract_id, prepared, [activation])

    return _answered(seen, Permission.AGREE_TO_VOID, "declared", declared)


@pages.post("/refuse")
def refuse(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    reason, version = request.form.get("reason", "").strip(), posted_number("seen", 9)

    def refused() -> None:
        appliance.voiding.refuse(contract_id, reason=reason, by=seen.who.subject, seen=version)

    place = "" if 0 < len(reason) <= LONGEST_REASON else "reason"
    return _answered(seen, Permission.REFUSE_TO_VOID, "refused", refused, place)


def _answered(
    seen: ContractView, act: Permission, done: str, perform: Callable[[], None], place: str = ""
) -> Answer:
    """To the contract, which says what was *done*; or the page once more, with the reason at its *place*."""

    def make() -> str:
        perform()
        return url_for("contracts.page", contract_id=seen.contract.id, done=done)

    try:
        return once(seen.who.subject, make)
    except (StateRefused, PreconditionRefused, ActivationRefused, ActivationLocked) as refusal:
        now = view_again(seen.contract.id, act, refusal)
        return _void_page(now, {place: sentence(refusal)}, status_in_workflow(refusal))


def _void_page(seen: ContractView, problems: dict[str, str] | None = None, status: int = 200) -> Answer:
    """A declaration made ready to sign, and the form to refuse."""
    declaration = appliance.voiding.prepare(seen.contract.id, by=seen.who.subject)
    known = activations.means_of(seen.who.subject)
    proposal = seen.contract.voiding
    return render(
        "contracts/void.html",
        status=status,
        contract=seen.contract,
        proposal=proposal,
        proposer="" if proposal is None else appliance.registry.person(proposal.by).name,
        declaration=declaration,
        record=json.loads(declaration.record),
        digest=declaration.intent.digest.hex(),
        means=known,
        options=activations.activation_options(declaration.intent, known),
        problems=problems or {},
    )
