"""Acts on a contract, each a small page with a form: decline, recall, extend, hand over, throw away, void.

The permissions decide what is offered and done (:mod:`appliance.contracts.permissions`); these pages only ask and
show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.handing_over import Candidates
from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from appliance.entered_text import local_time
from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from appliance.language import instants
from appliance.model.contract import Contract, Deadline, Party
from webui.portal.access import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.shared.errors import status_of
from webui.shared.forms import SingleSubmission
from webui.shared.language import translate

REASONED = frozenset({Permission.DECLINE, Permission.RECALL, Permission.HAND_OVER, Permission.VOID})
"""Acts that take a reason, which the others read."""

YEARS = 10
"""The farthest that a deadline can be from now."""


@dataclass(frozen=True, slots=True)
class ActionForm:
    """``seen`` is the version of the contract that the form was made for, ``party`` whose signature it is about,
    ``deadline`` local to ``zone``, like ``2026-11-28T18:00``, ``now`` the moment of asking."""

    act: Permission
    seen: int | None
    party: str
    reason: str
    to: str
    deadline: str
    zone: str
    now: datetime

    @classmethod
    def untouched(cls, seen: ContractView, act: Permission) -> ActionForm:
        """An untouched form."""
        until = seen.contract.deadline
        return cls(
            act=act,
            seen=seen.contract.version,
            party=_party(seen.contract, seen.who.subject, act),
            reason="",
            to="",
            deadline=instants.bare(until.at, until.zone).replace(" ", "T"),
            zone=until.zone,
            now=seen.now,
        )

    @classmethod
    def of_post(cls, seen: ContractView, act: Permission, form: Mapping[str, str]) -> ActionForm:
        """What was posted; ``seen`` is None when it is no number."""
        version = form.get("seen", "")
        return cls(
            act=act,
            seen=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None,
            party=form.get("party", "") or _party(seen.contract, seen.who.subject, act),
            reason=form.get("reason", "").strip(),
            to=form.get("to", ""),
            deadline=form.get("deadline", ""),
            zone=seen.contract.deadline.zone,
            now=seen.now,
        )

    def typed_deadline(self) -> Deadline:
        """The deadline that was typed. Raises ValueError for what is none, :class:`PreconditionRefused` for a time
        that the clocks leave out."""
        at = local_time(self.deadline, self.zone)
        if abs(at.year - self.now.year) > YEARS:
            raise ValueError(self.deadline)
        return Deadline(at, self.zone)


def action_problems(act: Permission, typed: ActionForm) -> dict[str, str]:
    """Field → sentence, for what can be said before any workflow is asked."""
    say = translate()
    problems = {}
    if act is Permission.HAND_OVER and not typed.to:
        problems["to"] = say("Choose who signs instead of you.")
    if act in REASONED and not typed.reason:
        problems["reason"] = say("Give a reason; the others will read it.")
    if len(typed.reason) > LONGEST_REASON:
        problems["reason"] = say("The reason is too long; {most} characters are possible.", most=LONGEST_REASON)
    if act is Permission.EXTEND:
        try:
            typed.typed_deadline()
        except ValueError:
            problems["deadline"] = say("Choose a day and a time within the next {years} years.", years=YEARS)
        except PreconditionRefused as refusal:
            problems["deadline"] = say(refusal.template, **refusal.values)
    return problems


def _party(contract: Contract, subject: str, act: Permission) -> str:
    """The id of the party that *act* of this person is about: the one on turn first; empty when there is none."""
    wanted: tuple[Party, ...] = contract.on_turn
    if act is Permission.HAND_OVER:
        wanted += contract.waiting
    return next((party.id for party in wanted if party.responsible == subject), "")


LONGEST_NAME = 60
"""Letters of a name to look for."""

ADDRESS = '/<contract_id>/<any(decline, recall, extend, "hand-over", discard, void):name>'

FOR_A_PARTY = frozenset({Permission.DECLINE, Permission.HAND_OVER})
"""Acts of somebody who signs; who is no party (any more) hears why not, instead of that there is no such party."""

Doing = Callable[[ContractView, ActionForm], None]


def add_action_pages(pages: Blueprint, parts: PortalParts) -> None:
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
