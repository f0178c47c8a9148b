"""On what a signature rests: the signer's checked identity, and the power to sign for an organisation.

Both are preconditions. What was found is saved with the intent at prepare and at complete, and its digest is in
the log, so that evidence can show it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from appliance.contracts.preconditions import Precondition, PreSendingCheck, SigningContext, require_preconditions
from appliance.language import Language, translator
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.people import IdentityRecord, Person
from appliance.model.powers import Power, RecordedAction
from appliance.policy import Policy
from appliance.policy.rules import IdentityRequirement, IdentityRules
from appliance.powers.coverage import (
    ConsideredPower,
    CoverageDecision,
    CoverageOutcome,
    CoverageQuery,
    decide_coverage,
)
from appliance.powers.register import terms_of
from appliance.store import intents as store
from appliance.store import people, powers
from appliance.store.database import Transaction
from hsm import canonical
from hsm.errors import Sentence
from hsm.intents import instant
from hsm.names import is_outside
from hsm.rows import fields_of

FORMAT: Final = "vermilion-grounds/1"


@dataclass(frozen=True, slots=True)
class AuthorisationBasis:
    """What was found for one signature at ``at``; ``identity`` is the good record, where there is one."""

    contract: Contract
    party: Party
    at: datetime
    identity: IdentityRecord | None
    query: CoverageQuery
    decision: CoverageDecision

    @property
    def is_empty(self) -> bool:
        """Nothing was asked for and nothing found: there is nothing to save."""
        return self.identity is None and self.decision.outcome is CoverageOutcome.NOT_NEEDED

    def log_fields(self, digest: str) -> dict[str, str]:
        """The fields in the log's entry about the basis; *digest* is that of the stored record."""
        chosen = self.decision.chosen
        fields = {"grounds": digest}
        if self.identity is not None:
            fields["identity"] = self.identity.id
        if chosen is not None:
            fields["power"] = chosen.power.id
        return fields

    def encode(self) -> bytes:
        """The record: canonical JSON with a salt, so that its digest reveals nothing without the record."""
        return canonical.encode(
            {
                "format": FORMAT,
                "salt": secrets.token_hex(16),
                "contract": self.contract.id,
                "party": self.party.id,
                "field": self.party.field,
                "signer": self.party.subject,
                "person": self.party.responsible,
                "at": instant(self.at),
                "matter": _query_fields(self.query),
                "identity": None if self.identity is None else _identity(self.identity),
                "outcome": self.decision.outcome.value,
                "words": _words(self.decision.words),
                "considered": [_considered(each) for each in self.decision.considered],
            }
        )


@dataclass(frozen=True, slots=True)
class StoredBasis:
    """What people are shown of a saved record: the decision in each language, the power, and for each
    test of it whether it holds, and why. Without a power, no tests."""

    outcome: CoverageOutcome
    words: Mapping[str, str]
    power: str | None
    tests: tuple[tuple[bool, Mapping[str, str]], ...]
    identity: str | None


def decode_basis(record: bytes) -> StoredBasis:
    """The saved *record* for people."""
    value = canonical.decode(record)
    outcome = CoverageOutcome(value["outcome"])
    chosen = value["considered"][0] if value["considered"] and outcome is not CoverageOutcome.NOT_NEEDED else None
    return StoredBasis(
        outcome=outcome,
        words=value["words"],
        power=None if chosen is None else chosen["power"]["id"],
        tests=() if chosen is None else tuple((test["holds"], test["words"]) for test in chosen["tests"]),
        identity=None if value["identity"] is None else value["identity"]["id"],
    )


def _query_fields(query: CoverageQuery) -> dict[str, Any]:
    return fields_of(query, "organisation agent name amount_needed needed seal") | {
        "kinds": list(query.kinds),
        "counterparties": list(query.counterparties),
        "amount": query.amount and query.amount.minor,
        "currency": query.amount and query.amount.currency,
    }


def _identity(record: IdentityRecord) -> dict[str, Any]:
    """The facts that are no secret; the note and the salt stay here."""
    return fields_of(record, "id entry commitment ending checked_by answers") | {
        "document": record.document.value,
        "against": record.against.value,
        "since": instant(record.since),
        "until": instant(record.until),
    }


def _considered(considered: ConsideredPower) -> dict[str, Any]:
    return {
        "power": _power(considered.power),
        "covers": considered.covers,
        "tests": [
            {"test": each.test.value, "holds": each.holds, "words": _words(each.words)}
            for each in considered.findings
        ],
    }


def _power(power: Power) -> dict[str, Any]:
    limit = power.scope.limit
    return terms_of(power) | {
        "id": power.id,
        "limit": limit and limit.minor,
        "currency": limit and limit.currency,
        "registered": _done(power.registered),
        "verified": _done(power.verified),
        "revoked": _done(power.revoked),
    }


def _done(done: RecordedAction | None) -> dict[str, str] | None:
    return None if done is None else {"by": done.by, "at": instant(done.at)}


def _words(sentence: Sentence) -> Mapping[str, str]:
    return {language.value: sentence.translated(translator(language)) for language in Language}


class BasisFinder:
    """Finds the basis, by policy, in the transaction that relies on it. ``own`` is the enterprise's name."""

    def __init__(self, policy: Policy, own: str) -> None:
        self._policy = policy
        self.own = own

    def find_basis(self, tx: Transaction, signing: SigningContext) -> AuthorisationBasis:
        """The basis for *signing*, determined once in a transaction. Reads only."""
        return signing.read_once(tx, self._decide)

    def _decide(self, tx: Transaction, signing: SigningContext) -> AuthorisationBasis:
        person = people.person(tx, signing.party.responsible)
        query = self._query(signing, person)
        return AuthorisationBasis(
            contract=signing.contract,
            party=signing.party,
            at=signing.now,
            identity=self._identity(tx, signing, person),
            query=query,
            decision=decide_coverage(query, powers.of_agent(tx, person.subject) if query.needed else ()),
        )

    def requires_power(self, signing: SigningContext) -> bool:
        """Whether policy asks who signs for an organisation for a power of attorney."""
        return self._policy.rules_for(signing.contract.kind).powers.required

    def requires_identity(self, signing: SigningContext, person: Person) -> bool:
        """Whether policy reserves this signature for people whose identity was checked."""
        required = self._identity_rules(signing).required
        outside = is_outside(person.subject) or person.organisation != self.own
        return required is IdentityRequirement.EVERYBODY or (required is IdentityRequirement.OUTSIDE and outside)

    def _identity(self, tx: Transaction, signing: SigningContext, person: Person) -> IdentityRecord | None:
        record = people.current_identity(tx, person.subject, signing.now)
        longest = self._identity_rules(signing).longest_days
        if record is None or (signing.now - record.since).days >= longest:
            return None
        return record

    def _identity_rules(self, signing: SigningContext) -> IdentityRules:
        return self._policy.rules_for(signing.contract.kind).identity

    def _query(self, signing: SigningContext, person: Person) -> CoverageQuery:
        contract, party = signing.contract, signing.party
        demanded = self._policy.rules_for(contract.kind).powers
        others = [name for name in self._policy.names_for(contract.kind) if name != contract.kind]
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
class IdentityVerified(Precondition):
    """The identity of the person who acts was checked, where policy reserves the signature for such people."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.OF_OWN
    finder: BasisFinder

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        person = people.person(tx, signing.party.responsible)
        if (
            not self.finder.requires_identity(signing, person)
            or self.finder.find_basis(tx, signing).identity is not None
        ):
            return
        if people.identities_of(tx, person.subject):
            yield Sentence(
                "The check of the identity of {name} has run out or was withdrawn; have it renewed, then sign.",
                {"name": person.name},
            )
        else:
            yield Sentence(
                "The identity of {name} has not been checked, and policy asks for that before a contract of the"
                " type “{kind}” is signed; have an officer or a reviewer check it, then sign.",
                {"name": person.name, "kind": signing.contract.kind},
            )


@dataclass(frozen=True, slots=True)
class PowerCoversSignature(Precondition):
    """Who signs for an organisation is its legal representative, or has a power that covers the contract, where
    policy asks for one."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.OF_OWN
    finder: BasisFinder

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        if not self.finder.requires_power(signing):
            return
        decision = self.finder.find_basis(tx, signing).decision
        if decision.outcome is CoverageOutcome.REFUSED:
            yield Sentence(decision.words.template, decision.words.values)


def require_entitled(tx: Transaction, finder: BasisFinder, signing: SigningContext) -> None:
    """Raises :class:`PreconditionRefused` unless identity and power are what policy asks for to sign."""
    require_preconditions((IdentityVerified(finder), PowerCoversSignature(finder)), tx, signing)


def party_taken_over(party: Party, person: Person) -> Party:
    """The same party when *person* acts for it in place of who does now."""
    if party.kind is PartyKind.SEAL:
        return replace(party, requester=person.subject)
    return replace(party, subject=person.subject, name=person.name, organisation=person.organisation)


def save_basis(tx: Transaction, intent: str, stage: str, found: AuthorisationBasis) -> dict[str, str]:
    """Stores the basis *found* with the intent; returns the fields for the log, none for an empty basis."""
    if found.is_empty:
        return {}
    record = found.encode()
    store.save_basis(tx, intent, stage, record)
    return found.log_fields(hashlib.sha256(record).hexdigest())
