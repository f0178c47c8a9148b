"""Who may do what with a contract, and when: one table, asked by every workflow and shown by the portal.

Pure: values in, answers out. Rows of :data:`TABLE` allow; what no row allows is refused, with the sentence that
:mod:`appliance.contracts.refusals` has for it. What a row allows may still wait for a turn or be too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from appliance.contracts import refusals, rules
from appliance.contracts.acts import Act, Refusal, Standing, Who
from appliance.model.contract import GUEST_PREFIX, Contract, ContractState, Party, PartyState

__all__ = ["TABLE", "Act", "Refusal", "Rule", "Standing", "Who", "allowed", "require", "standings", "why_not"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """In these states, who is one of ``standings`` may do ``act``, unless also one of ``unless``."""

    act: Act
    states: frozenset[ContractState]
    standings: frozenset[Standing]
    unless: frozenset[Standing] = frozenset()


def _of(*members: T) -> frozenset[T]:
    return frozenset(members)


_ALWAYS = frozenset(ContractState)
_SENT_ONCE = _ALWAYS - {ContractState.DRAFT, ContractState.DISCARDED}
_DRAFT, _SENT = _of(ContractState.DRAFT), _of(ContractState.SENT)
_COMPLETED, _FINISHED = _of(ContractState.COMPLETED), _of(ContractState.COMPLETED, ContractState.VOIDED)
_UNSIGNED_END = _of(ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_INITIATOR, _ON_TURN = _of(Standing.INITIATOR), _of(Standing.ON_TURN)
_SIGNERS = _of(Standing.ON_TURN, Standing.WAITING, Standing.DONE)
_UNSIGNED, _SIGNED, _GUEST = _of(Standing.ON_TURN, Standing.WAITING), _of(Standing.DONE), _of(Standing.GUEST)
_OTHERS = _of(Standing.GUEST, Standing.CUSTODIAN, Standing.FORMER)

TABLE: tuple[Rule, ...] = (
    Rule(Act.READ, _ALWAYS, _of(Standing.INITIATOR, Standing.AUDITOR)),
    Rule(Act.READ, _SENT_ONCE, _SIGNERS | _OTHERS),
    Rule(Act.EDIT, _DRAFT, _INITIATOR),
    Rule(Act.DISCARD, _DRAFT, _INITIATOR),
    Rule(Act.SEND, _DRAFT, _INITIATOR),
    Rule(Act.SIGN, _SENT, _ON_TURN),
    Rule(Act.DECLINE, _SENT, _ON_TURN),
    Rule(Act.HAND_OVER, _SENT, _UNSIGNED, unless=_GUEST),
    Rule(Act.RECALL, _SENT, _INITIATOR),
    Rule(Act.CORRECT, _UNSIGNED_END, _INITIATOR),
    Rule(Act.EXTEND, _SENT, _INITIATOR),
    Rule(Act.VOID, _COMPLETED, _INITIATOR),
    Rule(Act.VOID, _COMPLETED, _SIGNED, unless=_GUEST),
    Rule(Act.AGREE_TO_VOID, _COMPLETED, _SIGNED),
    Rule(Act.REFUSE_TO_VOID, _COMPLETED, _SIGNED),
    Rule(Act.EXPORT, _FINISHED, _of(Standing.INITIATOR, Standing.DONE, Standing.AUDITOR)),
)
"""All that is allowed."""

UNTIL_DEADLINE = _of(Act.SIGN, Act.DECLINE, Act.HAND_OVER)
"""Refused from the deadline on, though the scheduler may not have ended the contract yet."""


def standings(contract: Contract, who: Who, party: Party | None = None) -> frozenset[Standing]:
    """What *who* is to *contract*; with *party*, as a signer for that party alone. Never empty."""
    found = set(_as_signer(contract, who, party))
    if who.guest_of is not None and who.guest_of[0] != contract.id:
        return _of(Standing.STRANGER)
    if found and who.subject.startswith(GUEST_PREFIX):
        found.add(Standing.GUEST)
    if who.subject == contract.initiator:
        found.add(Standing.INITIATOR)
    if any(one.subject in who.seals for one in contract.parties):
        found.add(Standing.CUSTODIAN)
    if who.subject in contract.former:
        found.add(Standing.FORMER)
    if who.auditor:
        found.add(Standing.AUDITOR)
    return frozenset(found or {Standing.STRANGER})


def _as_signer(contract: Contract, who: Who, only: Party | None) -> set[Standing]:
    parties = contract.parties if only is None else (only,)
    own = [one for one in parties if one.responsible == who.subject]
    turn = rules.whose_turn(contract)
    return {
        Standing.DONE
        if one.state is not PartyState.WAITING
        else Standing.ON_TURN
        if one in turn
        else Standing.WAITING
        for one in own
    }


def why_not(contract: Contract, act: Act, who: Who, now: datetime, party: Party | None = None) -> Refusal | None:
    """None when *who* may do *act* at *now*, else why not; *party* narrows acts of signers to one party."""
    what = standings(contract, who, party)
    if what == {Standing.STRANGER}:
        return refusals.stranger()
    if contract.disposed is not None:
        return refusals.disposed(contract.disposed)
    if contract.state not in {state for rule in TABLE if rule.act is act for state in rule.states}:
        return refusals.wrong_state(contract, act)
    if act in UNTIL_DEADLINE and now >= contract.deadline.at:
        return refusals.too_late(contract)
    if not any(_allows(rule, contract.state, what) for rule in TABLE if rule.act is act):
        return refusals.wrong_standing(contract, act, what, party)
    return refusals.about_voiding(contract, act, who)


def _allows(rule: Rule, state: ContractState, what: frozenset[Standing]) -> bool:
    return state in rule.states and bool(rule.standings & what) and not rule.unless & what


def allowed(contract: Contract, who: Who, now: datetime) -> dict[Act, Refusal | None]:
    """Every act: None when *who* may do it, else why not. The portal shows only what is allowed."""
    return {act: why_not(contract, act, who, now) for act in Act}


def require(contract: Contract, act: Act, who: Who, now: datetime, party: Party | None = None) -> None:
    """Raises :class:`StateRefused` or :class:`PreconditionRefused` with the reason, unless *act* is allowed."""
    refusal = why_not(contract, act, who, now, party)
    if refusal is not None:
        raise refusal.error()
