"""Acts on a contract, each a small page with a form: decline, recall, extend, hand over, throw away, void.

The permissions decide what is offered and done (:mod:`appliance.contracts.permissions`); these pages only ask and
show.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.handing_over import Candidates
from appliance.contracts.permissions import Permission
from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from webui.portal.contracts.action_form import ActionForm, action_problems
from webui.portal.contracts.view import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.shared.language import translate
from webui.shared.once import SingleSubmission
from webui.shared.statuses import status_of

LONGEST_NAME = 60
"""Letters of a name to look for."""

ADDRESS = '/<contract_id>/<any(decline, recall, extend, "hand-over", discard, void):name>'

FOR_A_PARTY = frozenset({Permission.DECLINE, Permission.HAND_OVER})
"""Acts of somebody who signs; who is no party (any more) hears why not, instead of that there is no such party."""

Doing = Callable[[ContractView, ActionForm], None]


def install(pages: Blueprint, parts: PortalParts) -> None:
    """A page for each act: GET asks, POST does and leads back to the contract."""
    once = SingleSubmission(parts.appliance.submissions)
    doings = _doings(parts)

    @pages.get(ADDRESS)
    def ask(contract_id: str, name: str) -> Response | BaseResponse:
        seen = view_contract(parts, contract_id)
        seen.require(Permission(name))
        return _form(parts, seen, ActionForm.untouched(seen, Permission(name)), {}, 200)

    @pages.post(ADDRESS)
    def do(contract_id: str, name: str) -> Response | BaseResponse:
        act = Permission(name)
        seen = view_contract(parts, contract_id)
        typed = ActionForm.of_post(seen, act, request.form)
        if typed.seen is None:
            raise BadRequest
        problems = action_problems(act, typed)
        if problems or (act in FOR_A_PARTY and not typed.party):
            seen.require(act)
        if problems:
            return _form(parts, seen, typed, problems, 422)

        def done() -> str:
            doings[act](seen, typed)
            return _afterwards(contract_id, act)

        try:
            return once.redirected(seen.who.subject, done)
        except (StateRefused, PreconditionRefused) as refusal:
            return _again(parts, contract_id, typed, refusal)


def _doings(parts: PortalParts) -> dict[Permission, Doing]:
    """The workflow of each act."""
    house = parts.appliance

    def decline(seen: ContractView, typed: ActionForm) -> None:
        by, contract = seen.who.subject, seen.contract.id
        house.endings.decline(contract, typed.party, reason=typed.reason, by=by, seen=typed.seen)

    def recall(seen: ContractView, typed: ActionForm) -> None:
        house.endings.recall(seen.contract.id, by=seen.who.subject, reason=typed.reason, seen=typed.seen)

    def extend(seen: ContractView, typed: ActionForm) -> None:
        house.extending.extend(seen.contract.id, typed.typed_deadline(), by=seen.who.subject, seen=typed.seen)

    def hand_over(seen: ContractView, typed: ActionForm) -> None:
        house.handing_over.hand_over(
            seen.contract.id,
            typed.party,
            to=typed.to,
            reason=typed.reason,
            by=seen.who.subject,
            seen=typed.seen,
        )

    def discard(seen: ContractView, typed: ActionForm) -> None:
        house.endings.discard(seen.contract.id, by=seen.who.subject, seen=typed.seen)

    def void(seen: ContractView, typed: ActionForm) -> None:
        house.voiding.propose(seen.contract.id, by=seen.who.subject, reason=typed.reason, seen=typed.seen)

    return {
        Permission.DECLINE: decline,
        Permission.RECALL: recall,
        Permission.EXTEND: extend,
        Permission.HAND_OVER: hand_over,
        Permission.DISCARD: discard,
        Permission.VOID: void,
    }


def _afterwards(contract_id: str, act: Permission) -> str:
    if act is Permission.DISCARD:
        return url_for("home.home")
    return url_for("contracts.page", contract_id=contract_id, done=act.value)


def _again(parts: PortalParts, contract_id: str, typed: ActionForm, refusal: ApplianceError) -> Response:
    """The form once more, with the reason and the contract as it is now; the refusal itself when it is over."""
    now = view_contract(parts, contract_id)
    if not now.may(typed.act):
        if isinstance(refusal, PreconditionRefused):
            now.require(typed.act)  # as the page knows the visitor, who may be an auditor
        raise refusal
    sentence = translate()(refusal.template, **refusal.values)
    status = status_of(refusal) if isinstance(refusal, StateRefused) else 422
    return _form(parts, now, typed, {"": sentence}, status)


def _form(
    parts: PortalParts, seen: ContractView, typed: ActionForm, problems: dict[str, str], status: int
) -> Response:
    body = render_template(
        "contracts/act.html",
        contract=seen.contract,
        act=typed.act.value,
        typed=typed,
        problems=problems,
        looked_for=_looked_for(),
        candidates=_candidates(parts, seen, typed),
    )
    return make_response(body, status)


def _looked_for() -> str:
    """A part of the name of somebody to hand over to, from the address."""
    return request.args.get("find", "").strip()[:LONGEST_NAME]


def _candidates(parts: PortalParts, seen: ContractView, typed: ActionForm) -> Candidates:
    """Who can sign instead, by name; nobody for other acts."""
    party = seen.contract.party(typed.party)
    if typed.act is not Permission.HAND_OVER or party is None:
        return Candidates((), more=False)
    return parts.appliance.handing_over.candidates(seen.contract, party, _looked_for())
