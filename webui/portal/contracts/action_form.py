"""What is typed into the form of an act, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts import rules
from appliance.contracts.permissions import Permission
from appliance.contracts.rules import LONGEST_REASON
from appliance.errors import PreconditionRefused
from appliance.language import instants
from appliance.model.contract import Contract, Deadline, Party
from webui.portal.contracts.view import ContractView
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
        at = instants.typed(self.deadline, self.zone)
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
    wanted: tuple[Party, ...] = rules.whose_turn(contract)
    if act is Permission.HAND_OVER:
        wanted += rules.waiting(contract)
    return next((party.id for party in wanted if party.responsible == subject), "")
