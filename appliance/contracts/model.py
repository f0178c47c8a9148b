"""Who may do what with a contract, and when: one table, asked by every workflow and shown by the portal.

Pure: values in, answers out. Rows of :data:`TABLE` allow; what no row allows is refused, with the sentence that
:mod:`appliance.contracts.refusals` has for it. What a row allows may still wait for a turn or be too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from appliance.contracts import refusals, rules
from appliance.contracts.acts import Actor, Permission, Refusal, Relation
from appliance.model.contract import GUEST_PREFIX, Contract, ContractState, Party, PartyState

__all__ = [
    "TABLE",
    "Actor",
    "Permission",
    "PermissionRule",
    "Refusal",
    "Relation",
    "permissions_of",
    "refusal_for",
    "relations_of",
    "require_permission",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PermissionRule:
    """In these states, who is one of ``standings`` may do ``act``, unless also one of ``unless``."""

    permission: Permission
    states: frozenset[ContractState]
    relations: frozenset[Relation]
    unless: frozenset[Relation] = frozenset()


def _of(*members: T) -> frozenset[T]:
    return frozenset(members)


_ALWAYS = frozenset(ContractState)
_SENT_ONCE = _ALWAYS - {ContractState.DRAFT, ContractState.DISCARDED}
_DRAFT, _SENT = _of(ContractState.DRAFT), _of(ContractState.SENT)
_COMPLETED, _FINISHED = _of(ContractState.COMPLETED), _of(ContractState.COMPLETED, ContractState.VOIDED)
_UNSIGNED_END = _of(ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_INITIATOR, _ON_TURN = _of(Relation.INITIATOR), _of(Relation.ON_TURN)
_SIGNERS = _of(Relation.ON_TURN, Relation.WAITING, Relation.DONE)
_UNSIGNED, _SIGNED, _GUEST = _of(Relation.ON_TURN, Relation.WAITING), _of(Relation.DONE), _of(Relation.GUEST)
_OTHERS = _of(Relation.GUEST, Relation.CUSTODIAN, Relation.FORMER)

TABLE: tuple[PermissionRule, ...] = (
    PermissionRule(Permission.READ, _ALWAYS, _of(Relation.INITIATOR, Relation.AUDITOR)),
    PermissionRule(Permission.READ, _SENT_ONCE, _SIGNERS | _OTHERS),
    PermissionRule(Permission.EDIT, _DRAFT, _INITIATOR),
    PermissionRule(Permission.DISCARD, _DRAFT, _INITIATOR),
    PermissionRule(Permission.SEND, _DRAFT, _INITIATOR),
    PermissionRule(Permission.SIGN, _SENT, _ON_TURN),
    PermissionRule(Permission.DECLINE, _SENT, _ON_TURN),
    PermissionRule(Permission.HAND_OVER, _SENT, _UNSIGNED, unless=_GUEST),
    PermissionRule(Permission.RECALL, _SENT, _INITIATOR),
    PermissionRule(Permission.CORRECT, _UNSIGNED_END, _INITIATOR),
    PermissionRule(Permission.EXTEND, _SENT, _INITIATOR),
    PermissionRule(Permission.VOID, _COMPLETED, _INITIATOR),
    PermissionRule(Permission.VOID, _COMPLETED, _SIGNED, unless=_GUEST),
    PermissionRule(Permission.AGREE_TO_VOID, _COMPLETED, _SIGNED),
    PermissionRule(Permission.REFUSE_TO_VOID, _COMPLETED, _SIGNED),
    PermissionRule(Permission.EXPORT, _FINISHED, _of(Relation.INITIATOR, Relation.DONE, Relation.AUDITOR)),
)
"""All that is allowed."""

UNTIL_DEADLINE = _of(Permission.SIGN, Permission.DECLINE, Permission.HAND_OVER)
"""Refused from the deadline on, though the scheduler may not have ended the contract yet."""


def relations_of(contract: Contract, actor: Actor, party: Party | None = None) -> frozenset[Relation]:
    """What *who* is to *contract*; with *party*, as a signer for that party alone. Never empty."""
    found = set(_as_signer(contract, actor, party))
    if actor.guest_of is not None and actor.guest_of[0] != contract.id:
        return _of(Relation.STRANGER)
    if found and actor.subject.startswith(GUEST_PREFIX):
        found.add(Relation.GUEST)
    if actor.subject == contract.initiator:
        found.add(Relation.INITIATOR)
    if any(one.subject in actor.seals for one in contract.parties):
        found.add(Relation.CUSTODIAN)
    if actor.subject in contract.former:
        found.add(Relation.FORMER)
    if actor.auditor:
        found.add(Relation.AUDITOR)
    return frozenset(found or {Relation.STRANGER})


def _as_signer(contract: Contract, actor: Actor, only: Party | None) -> set[Relation]:
    parties = contract.parties if only is None else (only,)
    own = [one for one in parties if one.responsible == actor.subject]
    turn = rules.whose_turn(contract)
    return {
        Relation.DONE
        if one.state is not PartyState.WAITING
        else Relation.ON_TURN
        if one in turn
        else Relation.WAITING
        for one in own
    }


def refusal_for(
    contract: Contract, permission: Permission, actor: Actor, now: datetime, party: Party | None = None
) -> Refusal | None:
    """None when *who* may do *act* at *now*, else why not; *party* narrows acts of signers to one party."""
    what = relations_of(contract, actor, party)
    if what == {Relation.STRANGER}:
        return refusals.no_part()
    if contract.disposed is not None:
        return refusals.disposed(contract.disposed)
    if contract.state not in {state for rule in TABLE if rule.permission is permission for state in rule.states}:
        return refusals.wrong_state(contract, permission)
    if permission in UNTIL_DEADLINE and now >= contract.deadline.at:
        return refusals.too_late(contract)
    if not any(_allows(rule, contract.state, what) for rule in TABLE if rule.permission is permission):
        return refusals.wrong_person(contract, permission, what, party)
    return refusals.about_voiding(contract, permission, actor)


def _allows(rule: PermissionRule, state: ContractState, what: frozenset[Relation]) -> bool:
    return state in rule.states and bool(rule.relations & what) and not rule.unless & what


def permissions_of(contract: Contract, actor: Actor, now: datetime) -> dict[Permission, Refusal | None]:
    """Every act: None when *who* may do it, else why not. The portal shows only what is allowed."""
    return {act: refusal_for(contract, act, actor, now) for act in Permission}


def require_permission(
    contract: Contract, permission: Permission, actor: Actor, now: datetime, party: Party | None = None
) -> None:
    """Raises :class:`StateRefused` or :class:`PreconditionRefused` with the reason, unless *act* is allowed."""
    refusal = refusal_for(contract, permission, actor, now, party)
    if refusal is not None:
        raise refusal.error()
