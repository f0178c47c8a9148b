"""The agreement to sign electronically: a record that names the parties, accepted by a signature over it.

Somebody who acts for a party accepts for the side that the party is of (:class:`AgreementSide`), towards all other
sides of the contract. Later contracts among the same sides, or some of them, rest on it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.agreement_text import AgreementText
from appliance.contracts.authorisation_basis import require_entitled
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules, record_intent
from appliance.contracts.preconditions import SigningContext, acceptances_between
from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.contract import AgreementSide, Contract, ContractState
from appliance.model.intent import AgreementRecord
from appliance.model.people import Person
from appliance.store import contracts, intents, people
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import SigningIntent, instant
from hsm.records import AGREEMENT, FORMATS

FIELD = AGREEMENT
"""What stands for the field in the intent: an acceptance can be taken for no contract's signature."""

MOST = 100
"""Acceptances that one list shows."""


@dataclass(frozen=True, slots=True)
class AgreementSides:
    """For whom somebody accepts, towards whom; ``contract`` and ``party`` say where it was asked, if anywhere."""

    own: AgreementSide
    others: tuple[AgreementSide, ...]
    contract: str | None = None
    party: str | None = None


@dataclass(frozen=True, slots=True)
class ProposedAgreement:
    """What a person is shown and activates: ``text`` in the ``language`` in which it was asked for, and
    ``other_text`` in the other one; ``record`` names this language, and the digests of the text in both."""

    id: str
    language: Language
    text: str
    other_text: str
    between: AgreementSides
    record: bytes
    intent: SigningIntent


@dataclass(frozen=True, slots=True)
class Accepted:
    """An acceptance as people read it: by whom, when, its entry in the log, and with whom (names)."""

    person: str
    at: datetime
    entry: int
    towards: tuple[str, ...]


class Agreements:
    """Each set of parties accepts each version of the text once. Thread-safe."""

    def __init__(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend

    def is_accepted_for(self, contract: Contract, party_id: str) -> bool:
        """Whether the current text is accepted for a party of a contract; else it has to be first."""
        between, signer = _between(contract, party_id), contract.require_party(party_id).subject
        with self._records.database.reading() as tx:
            return self._is_accepted(tx, signer, between)

    def of_person(self, subject: str) -> tuple[Accepted, ...]:
        """The acceptances of the current text for the side of a person, oldest first."""
        with self._records.database.reading() as tx:
            side = people.person(tx, subject).side
            found = intents.agreements_of_side(tx, side.key, self._rules.agreement.version, limit=MOST)
        return tuple(
            Accepted(
                each.person, each.accepted, each.entry, tuple(side.name for side in _sides_of_record(each).others)
            )
            for each in found
            if each.accepted is not None and each.entry is not None
        )

    def text(self, language: Language) -> str:
        """The current text."""
        return self._rules.agreement.words[language]

    @property
    def current(self) -> AgreementText:
        """The current text in all languages, with its version."""
        return self._rules.agreement

    def propose_for(
        self, contract: Contract, party_id: str, language: Language | None = None
    ) -> ProposedAgreement:
        """The current text for whoever acts for the party to accept, with all sides of the contract.

        *language* is the reader's; without one it is the person's own. Raises :class:`StateRefused` when the
        parties have agreed already, :class:`PreconditionRefused` when the person could not sign the contract for
        that side: who cannot bind it cannot agree on the form.
        """
        subject = contract.require_party(party_id).responsible
        return self.propose(subject, _between(contract, party_id), language)

    def propose(
        self, subject: str, between: AgreementSides, language: Language | None = None
    ) -> ProposedAgreement:
        """The current text for a person to accept for *between*. Raises as :meth:`propose_for`."""
        now, text = self._records.now(), self._rules.agreement
        with self._records.database.transaction() as tx:
            self._require_new(tx, between, subject)
            self._require_able(tx, between, subject)
            person = people.person(tx, subject)
            shown = language or person.language
            record = canonical.encode(_record(person, between, now) | _text_fields(text, shown))
            expires = now + self._rules.lifetime
            intent = record_intent(subject, record, field=FIELD, expires=expires)
            proposal = AgreementRecord(
                id=secrets.token_hex(12),
                person=subject,
                version=text.version,
                side=between.own.key,
                others=frozenset(side.key for side in between.others),
                record=record,
                intent=intent,
                proposed=now,
            )
            intents.keep_agreement_text(tx, text.version, text.words)
            intents.insert_agreement(tx, proposal)
        return ProposedAgreement(
            proposal.id, shown, text.words[shown], text.words[shown.other], between, record, intent
        )

    def proposed(self, agreement_id: str, *, by: str) -> ProposedAgreement:
        """What was proposed to *by*, with the text that its record names. Raises :class:`NotFound`,
        :class:`StateRefused` when the text has changed."""
        proposal = self._records.database.query(intents.load_agreement, agreement_id)
        if proposal.person != by:
            raise NotFound("There is no agreement {agreement}.", agreement=agreement_id)
        if proposal.version != self._rules.agreement.version:
            raise StateRefused(intents.AGREEMENT_GONE)
        shown = Language(canonical.decode(proposal.record)["language"])
        between = _sides_of_record(proposal)
        text, other = self.text(shown), self.text(shown.other)
        return ProposedAgreement(proposal.id, shown, text, other, between, proposal.record, proposal.intent)

    def accept(self, agreement_id: str, *, by: str) -> AgreementRecord:
        """The acceptance, which *by* has activated: signed by their key, timestamped, in the log, in one commit.

        Raises :class:`NotFound` for what was proposed to somebody else, :class:`ActivationRefused`, or
        :class:`StateRefused` when it is late, the text has changed, or it was accepted before. After a crash the
        proposal expires unaccepted and the person is asked again.
        """
        with self._records.database.reading() as tx:
            proposal = intents.load_agreement(tx, agreement_id)
            if proposal.person != by:
                raise NotFound("There is no agreement {agreement}.", agreement=agreement_id)
            between = _sides_of_record(proposal)
            if proposal.accepted is not None or self._records.now() >= proposal.intent.expires:
                raise StateRefused(intents.AGREEMENT_GONE)
            self._require_current(tx, proposal, between)
        cms, at = self._backend.sign_record(proposal.intent, proposal.record)
        with self._records.database.transaction() as tx:
            self._require_current(tx, proposal, between)
            entry = append_event(tx, _accepted_event(proposal, at))
            intents.accept_agreement(tx, proposal, at=at, cms=cms, entry=entry)
            return intents.load_agreement(tx, agreement_id)

    def _require_current(self, tx: Transaction, proposal: AgreementRecord, between: AgreementSides) -> None:
        if proposal.version != self._rules.agreement.version:
            raise StateRefused(intents.AGREEMENT_GONE)
        self._require_new(tx, between, proposal.person)
        self._require_able(tx, between, proposal.person)

    def _is_accepted(self, tx: Transaction, signer: str, between: AgreementSides) -> bool:
        version = self._rules.agreement.version
        return acceptances_between(tx, signer, between.own, between.others, version) is not None

    def _require_new(self, tx: Transaction, between: AgreementSides, subject: str) -> None:
        if self._is_accepted(tx, subject, between):
            raise StateRefused("{party} has accepted this agreement already.", party=between.own.name)

    def _require_able(self, tx: Transaction, between: AgreementSides, subject: str) -> None:
        """Whoever accepts for a party of a contract acts for it, and may sign it as far as policy asks."""
        if between.contract is None or between.party is None:
            return
        contract = contracts.load_contract(tx, between.contract)
        party, now = contract.require_party(between.party), self._records.now()
        if contract.state is not ContractState.SENT or party.responsible != subject:
            raise StateRefused(intents.AGREEMENT_GONE)
        require_entitled(tx, self._rules.basis_finder, SigningContext(contract, party, now))


def _between(contract: Contract, party_id: str) -> AgreementSides:
    own = contract.require_party(party_id)
    return AgreementSides(own.side, contract.other_sides(own), contract.id, party_id)


def _record(person: Person, between: AgreementSides, now: datetime) -> dict[str, object]:
    """What is signed. ``contract`` and ``for`` say for which contract and party it was asked, null for none."""
    return {
        "format": FORMATS[FIELD],
        "contract": between.contract,
        "counterparties": [side.fields() for side in sorted(between.others)],
        "for": between.party,
        "name": person.name,
        "party": between.own.fields(),
        "person": person.subject,
        "proposed": instant(now),
    }


def _text_fields(text: AgreementText, shown: Language) -> dict[str, object]:
    """Which text is accepted: in which language it was *shown*, and what it says in both."""
    return {"language": shown.value, "texts": text.digests(), "version": text.version}


def _sides_of_record(proposal: AgreementRecord) -> AgreementSides:
    record = canonical.decode(proposal.record)
    others = tuple(_side(each) for each in record["counterparties"])
    return AgreementSides(_side(record["party"]), others, record["contract"], record["for"])


def _side(fields: dict[str, str]) -> AgreementSide:
    return AgreementSide(fields["name"], fields.get("subject", ""))


def _accepted_event(proposal: AgreementRecord, at: datetime) -> AuditEvent:
    public = {"version": proposal.version, "signed": proposal.intent.digest.hex(), "person": proposal.person}
    return AuditEvent(EventKind.AGREEMENT_ACCEPTED, at, proposal.person, None, public)
