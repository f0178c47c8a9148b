"""On what a signature rests: the signer's checked identity, and the authority to sign for an organisation.

Both are preconditions; what was found is kept with the intent at prepare and at complete, and its digest is in the
log, so that evidence can show it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from appliance.contracts.grounds_record import AuthorisationBasis
from appliance.contracts.preconditions import Foreseen, Precondition, Signing
from appliance.model.contract import PartyKind
from appliance.model.identity import IdentityRecord
from appliance.model.people import Person
from appliance.policy import Policy
from appliance.policy.identity import IdentityRules, Reserved
from appliance.powers import CoverageOutcome, CoverageQuery, decide_coverage
from appliance.store import grounds as store
from appliance.store import identities, people, powers
from appliance.store.database import Transaction
from hsm.sentence import Sentence


class BasisFinder:
    """Finds the grounds, by policy, in the transaction that acts on them. ``own`` is the enterprise's name."""

    def __init__(self, policy: Policy, own: str) -> None:
        self._policy = policy
        self.own = own

    def find_basis(self, tx: Transaction, signing: Signing) -> AuthorisationBasis:
        """What there is for *signing*. Reads only."""
        person = people.person(tx, signing.party.responsible)
        matter = self._matter(signing, person)
        return AuthorisationBasis(
            contract=signing.contract,
            party=signing.party,
            at=signing.now,
            identity=self._identity(tx, signing, person),
            matter=matter,
            decision=decide_coverage(matter, powers.of_agent(tx, person.subject) if matter.needed else ()),
        )

    def requires_identity(self, signing: Signing, person: Person) -> bool:
        """Whether policy reserves this signature for people whose identity was checked."""
        required = self._identity_rules(signing).required
        outside = person.guest or person.organisation != self.own
        return required is Reserved.EVERYBODY or (required is Reserved.OUTSIDE and outside)

    def _identity(self, tx: Transaction, signing: Signing, person: Person) -> IdentityRecord | None:
        record = identities.current(tx, person.subject, signing.now)
        longest = self._identity_rules(signing).longest_days
        if record is None or (signing.now - record.since).days >= longest:
            return None
        return record

    def _identity_rules(self, signing: Signing) -> IdentityRules:
        return self._policy.of(signing.contract.kind).identity

    def _matter(self, signing: Signing, person: Person) -> CoverageQuery:
        contract, party = signing.contract, signing.party
        demanded = self._policy.of(contract.kind).powers
        others = [name for name in self._policy.names_of(contract.kind) if name != contract.kind]
        return CoverageQuery(
            organisation=party.organisation,
            agent=person.subject,
            name=person.name,
            kinds=(contract.kind, *others),
            counterparties=contract.counterparties(party),
            amount=contract.amount,
            seal=party.subject if party.kind is PartyKind.SEAL else None,
            now=signing.now,
            zone=contract.deadline.zone,
            needed=demanded.required,
            amount_needed=demanded.amount_required,
        )


@dataclass(frozen=True, slots=True)
class Identified(Precondition):
    """The identity of the person who acts was checked, where policy reserves the signature for such people."""

    foreseen: ClassVar[Foreseen] = Foreseen.OF_OWN
    finder: BasisFinder

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        person = people.person(tx, signing.party.responsible)
        if (
            not self.finder.requires_identity(signing, person)
            or self.finder.find_basis(tx, signing).identity is not None
        ):
            return
        if identities.of_person(tx, person.subject):
            yield Sentence(
                "The check of the identity of {name} has run out or was withdrawn; have it renewed, then sign.",
                {"name": person.name},
            )
        else:
            yield Sentence(
                "The identity of {name} has not been checked, and policy asks for that before a contract of the"
                " type “{kind}” is signed; have it checked, then sign.",
                {"name": person.name, "kind": signing.contract.kind},
            )


@dataclass(frozen=True, slots=True)
class Authorised(Precondition):
    """Who signs for an organisation is its legal representative, or has a power that covers the contract, where
    policy asks for one."""

    foreseen: ClassVar[Foreseen] = Foreseen.OF_OWN
    finder: BasisFinder

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        decision = self.finder.find_basis(tx, signing).decision
        if decision.outcome is CoverageOutcome.REFUSED:
            yield Sentence(decision.words.template, decision.words.values)


def signing_taken_over(signing: Signing, person: Person) -> Signing:
    """The same signature when *person* makes it in place of who is to make it now."""
    party = signing.party
    if party.kind is PartyKind.SEAL:
        party = replace(party, requester=person.subject)
    else:
        party = replace(party, subject=person.subject, name=person.name, organisation=person.organisation)
    return replace(signing, party=party)


def save_basis(tx: Transaction, intent: str, stage: str, found: AuthorisationBasis) -> dict[str, str]:
    """Puts *found* beside the intent; what the log says of it, nothing when there is nothing to say."""
    if found.is_empty:
        return {}
    record = found.encode()
    store.keep(tx, intent, stage, record)
    return found.log_fields(hashlib.sha256(record).hexdigest())
