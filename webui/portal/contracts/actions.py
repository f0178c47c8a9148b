"""Acts on a contract, each a small page with a form: decline, recall, extend, hand over, throw away, void.
``/contracts/ID/copies``: who else of the organisations involved may read it; for its initiator.

The permissions decide what is offered and done (:mod:`appliance.contracts.permissions`); these pages only ask and
show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request, url_for
from werkzeug.exceptions import BadRequest

from appliance.contracts.draft_rules import FARTHEST_YEARS, is_too_far
from appliance.contracts.handing_over import Candidates
from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from appliance.entered_text import local_time
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import instants
from appliance.model.contract import Deadline, Party
from appliance.reminders.services import BETWEEN
from webui.portal.access import ContractView, refusals_of, view_contract
from webui.portal.contracts.page import pages
from webui.portal.contracts.status_line import names_of_parties
from webui.portal.pages import appliance, house_names, once
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, status_in_workflow
from webui.shared.forms import field, posted_number, sentence, whole_number
from webui.shared.language import translate

REASONED = frozenset({Permission.DECLINE, Permission.RECALL, Permission.HAND_OVER, Permission.VOID})
"""Acts that take a reason, which the others read."""

FOR_A_PARTY = frozenset({Permission.DECLINE, Permission.HAND_OVER})
"""Acts of somebody who signs; who is no party (any more) hears why not, instead of that there is no such party."""

LONGEST_NAME = 60
"""Characters of a name to look for."""

ADDRESS = '/<contract_id>/<any(decline, recall, extend, remind, "hand-over", discard, void):name>'


@dataclass(frozen=True, slots=True)
class ActionForm:
    """``seen`` is the version of the contract that the form was made for (None: no number), ``party`` whose
    signature it is about, ``deadline`` local to ``zone``, like ``2026-11-28T18:00``, ``now`` the moment of
    asking."""

    act: Permission
    seen: int | None
    party: str
    reason: str
    to: str
    deadline: str
    zone: str
    now: datetime

    @classmethod
    def of_request(cls, seen: ContractView, act: Permission) -> ActionForm:
        """What was posted, or an untouched form."""
        form, until = request.form, seen.contract.deadline
        so_far = "" if request.method == "POST" else instants.bare(until.at, until.zone).replace(" ", "T")
        return cls(
            act=act,
            seen=whole_number(form.get("seen", ""), 9),
            party=form.get("party", "") or _party(seen, act),
            reason=form.get("reason", "").strip(),
            to=form.get("to", ""),
            deadline=form.get("deadline", so_far),
            zone=until.zone,
            now=seen.now,
        )

    def typed_deadline(self) -> Deadline:
        """The deadline that was typed. Raises ValueError for what is none, :class:`PreconditionRefused` for a time
        that the clocks leave out."""
        at = local_time(self.deadline, self.zone)
        if is_too_far(at, self.now):
            raise ValueError(self.deadline)
        return Deadline(at, self.zone)

    def problems(self) -> dict[str, str]:
        """Field → sentence, for what can be said before any workflow is asked."""
        say = translate()
        found = {}
        if self.act is Permission.HAND_OVER and not self.to:
            found["to"] = say("Choose who signs instead of you.")
        if self.act in REASONED and not self.reason:
            found["reason"] = say("Give a reason; the others will read it.")
        if len(self.reason) > LONGEST_REASON:
            found["reason"] = say("The reason is too long; {most} characters are possible.", most=LONGEST_REASON)
        if self.act is Permission.EXTEND:
            try:
                self.typed_deadline()
            except ValueError:
                found["deadline"] = say(
                    "Choose a day and a time within the next {years} years.", years=FARTHEST_YEARS
                )
            except PreconditionRefused as refusal:
                found["deadline"] = sentence(refusal)
        return found


def _party(seen: ContractView, act: Permission) -> str:
    """The id of the party that *act* of the visitor is about: the one on turn first; empty when there is none."""
    wanted: tuple[Party, ...] = seen.contract.on_turn
    if act is Permission.HAND_OVER:
        wanted += seen.contract.waiting
    return next((party.id for party in wanted if party.responsible == seen.who.subject), "")


@pages.get(ADDRESS)
def ask(contract_id: str, name: str) -> Answer:
    seen = view_contract(contract_id)
    seen.require(Permission(name))
    return _form(seen, ActionForm.of_request(seen, Permission(name)))


@pages.post(ADDRESS)
@form(ask, view_contract, refusals=())
def do(seen: ContractView, contract_id: str, name: str) -> Answer:
    act = Permission(name)
    typed = ActionForm.of_request(seen, act)
    if typed.seen is None:
        raise BadRequest
    problems = typed.problems()
    if problems or (act in FOR_A_PARTY and not typed.party):
        seen.require(act)
    if problems:
        raise FormProblems(problems)

    def make() -> str:
        _perform(contract_id, typed, seen.who.subject)
        if act is Permission.DISCARD:
            return url_for("home.home")
        return url_for("contracts.page", contract_id=contract_id, done=act.value)

    with refusals_of(contract_id, act):
        return once(seen.who.subject, make)


def _perform(contract_id: str, typed: ActionForm, by: str) -> None:
    reason, seen = typed.reason, typed.seen
    match typed.act:
        case Permission.DECLINE:
            appliance.endings.decline(contract_id, typed.party, reason=reason, by=by, seen=seen)
        case Permission.RECALL:
            appliance.endings.recall(contract_id, by=by, reason=reason, seen=seen)
        case Permission.EXTEND:
            appliance.endings.extend(contract_id, typed.typed_deadline(), by=by, seen=seen)
        case Permission.REMIND:
            appliance.reminders.on_demand.remind_now(contract_id, by=by)
        case Permission.HAND_OVER:
            party, to = typed.party, typed.to
            appliance.handing_over.hand_over(contract_id, party, to=to, reason=reason, by=by, seen=seen)
        case Permission.DISCARD:
            appliance.endings.discard(contract_id, by=by, seen=seen)
        case _:
            appliance.voiding.propose(contract_id, by=by, reason=reason, seen=seen)


def _form(seen: ContractView, typed: ActionForm) -> Answer:
    looked_for = request.args.get("find", "").strip()[:LONGEST_NAME]
    party, candidates = seen.contract.party(typed.party), Candidates((), more=False)
    if typed.act is Permission.HAND_OVER and party is not None:
        candidates = appliance.handing_over.candidates(seen.contract, party, looked_for)
    return render(
        "contracts/act.html",
        contract=seen.contract,
        act=typed.act.value,
        typed=typed,
        looked_for=looked_for,
        candidates=candidates,
        turn=names_of_parties(seen.contract.on_turn),
        reminder_hours=BETWEEN // timedelta(hours=1),
    )


def _copied(contract_id: str) -> ContractView:
    seen = view_contract(contract_id)
    seen.require(Permission.COPY)
    return seen


@pages.get("/<contract_id>/copies")
def copies(contract_id: str) -> Answer:
    """Who gets a copy, and who is found by the words that were typed and could get one."""
    seen = _copied(contract_id)
    contract, own = seen.contract, seen.someone.organisation
    looked_for = request.values.get("find", "").strip()[:LONGEST_NAME]
    involved = {*contract.everybody, *contract.copied}
    found = [each for each in appliance.registry.search(looked_for, own=own) if each.subject not in involved]
    return render(
        "contracts/copies.html", contract=contract, looked_for=looked_for, found=found, names=house_names(own)
    )


@pages.post("/<contract_id>/copies")
@form(copies, _copied, refusals=(PreconditionRefused, StateRefused, NotFound), status=status_in_workflow)
def change_copies(seen: ContractView, contract_id: str) -> Answer:
    subject, by, version = field("person", 80), seen.who.subject, posted_number("seen", 12)
    change = appliance.copying.remove_reader if field("act", 10) == "remove" else appliance.copying.add_reader
    change(contract_id, subject, by=by, seen=version)
    return see_other("contracts.copies", contract_id=contract_id)
