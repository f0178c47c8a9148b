"""What must hold for one signature; asked at prepare, before the authority is asked, and again at complete.

A :class:`Precondition` reads the state of the very transaction that acts on its answer, so nothing that was
revoked in the meantime slips through. More of them (powers of attorney, content checks, approvals) join the list
that ``appliance/wiring.py`` hands over; the cycle does not change. A draft is asked for the same ones
(:mod:`appliance.contracts.readiness`), so that no contract goes out that somebody could never sign.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from cryptography import x509

from appliance.contracts import agreed
from appliance.contracts.acts import Actor, Permission
from appliance.contracts.agreement_text import VERSION
from appliance.contracts.model import refusal_for
from appliance.contracts.sides import distinct, side_of, sides_of
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, ContractState, Party
from appliance.review import refusing
from appliance.review.standing import Standings
from appliance.store import accounts, people
from appliance.store.database import Transaction
from hsm.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Signing:
    """One signature that somebody is about to make, as of ``now``."""

    contract: Contract
    party: Party
    now: datetime


class Foreseen(Enum):
    """Whether a precondition must hold when the contract is sent already."""

    NO = "no"
    """It comes to hold while the contract is signed, or is asked of the contract as a whole."""
    OF_OWN = "of the initiator's organisation"
    """Of the initiator's own people; others may bring it along until they sign."""
    OF_ALL = "of all"
    """Of everybody with an account here. Outside signers get their keys after sending."""


class Precondition(ABC):
    """One thing that must hold. Reads only; safe to ask any number of times."""

    __slots__ = ()

    foreseen: ClassVar[Foreseen]

    @abstractmethod
    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """Every reason why it does not hold; none when it does."""

    def require(self, tx: Transaction, signing: Signing) -> None:
        """Raises :class:`PreconditionRefused` with the first reason when it does not hold."""
        for reason in self.lacking(tx, signing):
            raise PreconditionRefused(reason.template, **reason.values)


class Allowed(Precondition):
    """The contract is sent, it is this party's turn, and the deadline has not come (``model.TABLE``)."""

    __slots__ = ()
    foreseen = Foreseen.NO

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        refusal = refusal_for(
            signing.contract, Permission.SIGN, Actor(signing.party.responsible), signing.now, signing.party
        )
        if refusal is not None:
            yield Sentence(refusal.template, refusal.values)


class Present(Precondition):
    """Who acts has an account that is open; outside signers need none."""

    __slots__ = ()
    foreseen = Foreseen.OF_ALL

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        person = people.person(tx, signing.party.responsible)
        if not accounts.is_there(tx, person.subject):
            yield Sentence(
                "The account of {name} is closed or suspended; name somebody else.", {"name": person.name}
            )


class Enrolled(Precondition):
    """The signer has a key, and a certificate that is good: now, and in a draft until the deadline. Who asks for a
    seal has a key too, as only such people can activate."""

    __slots__ = ()
    foreseen = Foreseen.OF_ALL

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        party, deadline = signing.party, signing.contract.deadline.at
        for subject in dict.fromkeys((party.subject, party.responsible)):
            if not people.is_enrolled(tx, subject):
                name = party.name if subject == party.subject else people.person(tx, subject).name
                yield Sentence("{name} cannot sign yet: the enrolment is not finished.", {"name": name})
        if people.is_enrolled(tx, party.subject):
            ends = x509.load_der_x509_certificate(people.certificate(tx, party.subject)).not_valid_after_utc
            named = {"name": party.name, "day": f"{ends:%Y-%m-%d}"}
            if ends <= signing.now:
                yield Sentence(_EXPIRED, named)
            elif signing.contract.state is ContractState.DRAFT and ends <= deadline:
                yield Sentence(_EXPIRES, named)


_EXPIRED = "The certificate of {name} ended on {day}; somebody else has to sign."
_EXPIRES = "The certificate of {name} ends on {day}, before the deadline; set an earlier one."


@dataclass(frozen=True, slots=True)
class Agreed(Precondition):
    """The side of who acts has accepted the text *version* on electronic signing towards every other side."""

    foreseen: ClassVar[Foreseen] = Foreseen.NO
    version: str = VERSION

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """Names the sides that no acceptance names."""
        own = side_of(signing.party)
        try:
            agreed.require_acceptances(tx, own, distinct(sides_of(signing.contract), but=own), self.version)
        except PreconditionRefused as refusal:
            yield Sentence(refusal.template, refusal.values)


@dataclass(frozen=True, slots=True)
class Reviewed(Precondition):
    """The content check of the contract's document came to what policy asks of its type."""

    foreseen: ClassVar[Foreseen] = Foreseen.NO
    standings: Standings

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        if self.standings.asks_for_nothing(signing.contract):
            return
        refusal = refusing.why_not(self.standings.when_sent(tx, signing.contract))
        if refusal is not None:
            yield Sentence(*refusal)


def require_preconditions(preconditions: Sequence[Precondition], tx: Transaction, signing: Signing) -> None:
    """Raises :class:`PreconditionRefused` for the first that does not hold."""
    for precondition in preconditions:
        precondition.require(tx, signing)


def standard_preconditions(version: str = VERSION) -> tuple[Precondition, ...]:
    """What every signature needs; *version* is that of the agreement on electronic signing.

    A seal's own conditions are in :mod:`appliance.contracts.seal_conditions`.
    """
    return (Allowed(), Present(), Enrolled(), Agreed(version))
