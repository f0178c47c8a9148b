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

from appliance.contracts import agreed
from appliance.contracts.acts import Act, Who
from appliance.contracts.agreement_text import VERSION
from appliance.contracts.model import why_not
from appliance.contracts.sides import distinct, side_of, sides_of
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, Party
from appliance.review import refusing
from appliance.review.standing import Standings
from appliance.store import people
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


class Allowed:
    """The contract is sent, it is this party's turn, and the deadline has not come (``model.TABLE``)."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        refusal = why_not(signing.contract, Act.SIGN, Who(signing.party.responsible), signing.now, signing.party)
        if refusal is not None:
            raise PreconditionRefused(refusal.template, **refusal.values)


class Enrolled:
    """The signer has a key and a certificate."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        if not people.is_enrolled(tx, signing.party.subject):
            raise PreconditionRefused(
                "{name} cannot sign yet: the enrolment is not finished.", name=signing.party.name
            )


@dataclass(frozen=True, slots=True)
class Agreed:
    """The side of who acts has accepted the text *version* on electronic signing towards every other side."""

    version: str = VERSION

    def require(self, tx: Transaction, signing: Signing) -> None:
        """Raises :class:`PreconditionRefused` naming the sides that no acceptance names."""
        own = side_of(signing.party)
        agreed.require(tx, own, distinct(sides_of(signing.contract), but=own), self.version)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The content check of the contract's document came to what policy asks of its type."""

    standings: Standings

    def require(self, tx: Transaction, signing: Signing) -> None:
        if self.standings.asks_for_nothing(signing.contract):
            return
        refusal = refusing.why_not(self.standings.when_sent(tx, signing.contract))
        if refusal is not None:
            template, values = refusal
            raise PreconditionRefused(template, **values)


def require_all(preconditions: Sequence[Precondition], tx: Transaction, signing: Signing) -> None:
    """Raises :class:`PreconditionRefused` for the first that does not hold."""
    for precondition in preconditions:
        precondition.require(tx, signing)


def standard(version: str = VERSION) -> tuple[Precondition, ...]:
    """What every signature needs; *version* is that of the agreement on electronic signing.

    A seal's own conditions are in :mod:`appliance.contracts.seal_conditions`.
    """
    return (Allowed(), Enrolled(), Agreed(version))
