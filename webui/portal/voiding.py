"""``/contracts/ID/void/answer``: a party declares a completed contract void with the own key, or refuses to."""

from __future__ import annotations

import json
import re

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from hsm.errors import ActivationLocked, ActivationRefused
from webui.portal.access import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.shared.errors import Refusal, status_of
from webui.shared.forms import SingleSubmission
from webui.shared.language import translate

_DECLARATION = re.compile(r"[0-9a-f]{24}")


def blueprint(parts: PortalParts) -> Blueprint:
    """The page with both answers, and a target for each."""
    pages = Blueprint("voiding", __name__, url_prefix="/contracts/<contract_id>/void")
    once = SingleSubmission(parts.appliance.submissions)

    @pages.get("/answer")
    def answer(contract_id: str) -> Response:
        seen = view_contract(parts, contract_id)
        seen.require(Permission.AGREE_TO_VOID)
        return _page(parts, seen)

    @pages.post("/declare")
    def declare(contract_id: str) -> Response | BaseResponse:
        seen = view_contract(parts, contract_id)
        prepared = request.form.get("declaration", "")
        if not _DECLARATION.fullmatch(prepared):
            raise BadRequest

        def done() -> str:
            parts.appliance.voiding.declare(
                contract_id, prepared, [activations.posted_activation(seen.who.subject)]
            )
            return url_for("contracts.page", contract_id=contract_id, done="declared")

        try:
            return once.redirected(seen.who.subject, done)
        except (StateRefused, PreconditionRefused, ActivationRefused, ActivationLocked) as refusal:
            return _again(parts, contract_id, refusal)

    @pages.post("/refuse")
    def refuse(contract_id: str) -> Response | BaseResponse:
        seen = view_contract(parts, contract_id)
        reason = request.form.get("reason", "").strip()
        version = request.form.get("seen", "")
        if not re.fullmatch(r"[0-9]{1,9}", version, re.ASCII):
            raise BadRequest

        def done() -> str:
            parts.appliance.voiding.refuse(contract_id, reason=reason, by=seen.who.subject, seen=int(version))
            return url_for("contracts.page", contract_id=contract_id, done="refused")

        try:
            return once.redirected(seen.who.subject, done)
        except (StateRefused, PreconditionRefused) as refusal:
            wrong = not 0 < len(reason) <= LONGEST_REASON
            return _again(parts, contract_id, refusal, act=Permission.REFUSE_TO_VOID, of_reason=wrong)

    return pages


def _again(
    parts: PortalParts,
    contract_id: str,
    refusal: Refusal,
    *,
    act: Permission = Permission.AGREE_TO_VOID,
    of_reason: bool = False,
) -> Response:
    """The page once more with the reason; the refusal itself when there is nothing to answer any more."""
    seen = view_contract(parts, contract_id)
    if not seen.may(act):
        if isinstance(refusal, PreconditionRefused):
            seen.require(act)  # as the page knows the visitor, who may be an auditor
        raise refusal
    sentence = translate()(refusal.template, **refusal.values)
    status = status_of(refusal)
    if isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused):
        status = 422  # what was typed, not what the contract is
    return _page(parts, seen, {"reason" if of_reason else "": sentence}, status)


def _page(
    parts: PortalParts, seen: ContractView, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    """A declaration made ready to sign, and the form to refuse."""
    declaration = parts.appliance.voiding.prepare(seen.contract.id, by=seen.who.subject)
    known = activations.means_of(parts, seen.who.subject)
    proposal = seen.contract.voiding
    body = render_template(
        "contracts/void.html",
        contract=seen.contract,
        proposal=proposal,
        proposer="" if proposal is None else parts.appliance.registry.person(proposal.by).name,
        declaration=declaration,
        record=json.loads(declaration.record),
        digest=declaration.intent.digest.hex(),
        means=known,
        options=activations.activation_options(parts, declaration.intent, known),
        problems=problems or {},
        typed=request.form,
    )
    return make_response(body, status)
