"""What must hold for one signature; asked at prepare, before the authority is asked, and again at complete.

A :class:`Precondition` reads the state of the very transaction that acts on its answer, so nothing that was
revoked in the meantime slips through. More of them (powers of attorney, content checks, approvals) join the list
that ``appliance/wiring.py`` hands over; the cycle does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from appliance.contracts import rules
from appliance.contracts.agreement_text import VERSION
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, ContractState, Party, PartyKind
from appliance.store import agreements, people
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Signing:
    """One signature that somebody is about to make, as of ``now``."""

    contract: Contract
    party: Party
    now: datetime


class Precondition(Protocol):
    """One thing that must hold. Reads only; safe to ask any number of times."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        """Raises :class:`PreconditionRefused` with the reason when it does not hold."""


class Sent:
    """The contract is out for signing: not a draft, and not ended."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        contract = signing.contract
        if contract.state is not ContractState.SENT:
            raise PreconditionRefused(
                "Contract “{title}” cannot be signed: it is {state}.",
                title=contract.title,
                state=contract.state,
            )


class InTurn:
    """It is this party's turn, and it has not answered yet."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        turn = rules.whose_turn(signing.contract)
        if signing.party not in turn:
            raise PreconditionRefused(
                "It is not {name}'s turn to sign “{title}”; it is the turn of {turn}.",
                name=signing.party.name,
                title=signing.contract.title,
                turn=", ".join(party.name for party in turn) or "–",
            )


class WithinDeadline:
    """The deadline has not come."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        deadline = signing.contract.deadline
        if signing.now >= deadline.at:
            raise PreconditionRefused(
                "The deadline of “{title}” has passed ({deadline} {zone}).",
                title=signing.contract.title,
                deadline=deadline.at.isoformat(timespec="minutes"),
                zone=deadline.zone,
            )


class Agreed:
    """The person who acts has accepted the current agreement on electronic signing, by signature."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        if not agreements.has_accepted(tx, signing.party.responsible, VERSION):
            raise PreconditionRefused(
                "{person} has not accepted the agreement on electronic signing (version {version}).",
                person=signing.party.responsible,
                version=VERSION,
            )


class SealInUse:
    """A seal is registered, not suspended, and has a custodian other than the one who asks for it."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        party = signing.party
        if party.kind is not PartyKind.SEAL:
            return
        seal = people.seal(tx, party.subject)
        if seal.suspended is not None and seal.suspended <= signing.now:
            raise PreconditionRefused("The seal {seal} is suspended.", seal=party.name)
        if all(custodian == party.requester for custodian in seal.custodians):
            raise PreconditionRefused(
                "The seal {seal} needs a custodian who is not the one asking for it.", seal=party.name
            )


def require_all(preconditions: Sequence[Precondition], tx: Transaction, signing: Signing) -> None:
    """Raises :class:`PreconditionRefused` for the first that does not hold."""
    for precondition in preconditions:
        precondition.require(tx, signing)


STANDARD: tuple[Precondition, ...] = (Sent(), InTurn(), WithinDeadline(), Agreed(), SealInUse())
"""What every signature needs."""
