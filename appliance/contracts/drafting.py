"""Drafting: from bytes that come in to a contract with its parties, ready to be sent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.contracts import rules
from appliance.contracts.placing import usual_place
from appliance.contracts.room import SigningRoom
from appliance.documents.intake import Intake
from appliance.errors import PreconditionRefused
from appliance.history.events import EventKind, Field, HistoryEvent
from appliance.model.contract import (
    Contract,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    Placement,
    Revision,
    RevisionKind,
    SigningOrder,
)
from appliance.store import contracts, people
from appliance.store.database import Transaction
from hsm.acts import instant


@dataclass(frozen=True, slots=True)
class DraftTerms:
    """What the initiator (a person's subject) says of a contract: its title, type and purpose in words."""

    title: str
    kind: str
    purpose: str
    initiator: str
    deadline: Deadline
    order: SigningOrder = SigningOrder.SEQUENTIAL


@dataclass(frozen=True, slots=True)
class _Signatory:
    """Who becomes a party."""

    kind: PartyKind
    subject: str
    name: str
    organisation: str
    requester: str | None = None


class Drafting:
    """Drafts belong to their initiator; everything can change until they are sent."""

    def __init__(self, room: SigningRoom, intake: Intake) -> None:
        self._room = room
        self._intake = intake

    def draft(self, document: bytes, terms: DraftTerms) -> Contract:
        """A new draft. Raises :class:`DocumentRefused`, or :class:`PreconditionRefused` for impossible terms."""
        now = self._room.now()
        _require_terms(terms, now)
        accepted = self._intake.accept(document)
        contract = Contract(
            id=secrets.token_hex(12),
            title=terms.title.strip(),
            kind=terms.kind.strip(),
            purpose=terms.purpose.strip(),
            initiator=terms.initiator,
            order=terms.order,
            deadline=terms.deadline,
            state=ContractState.DRAFT,
            created=now,
            pages=len(accepted.inspection.pages),
            parties=(),
            revisions=(Revision(0, RevisionKind.ORIGINAL, accepted.digest, accepted.size, now),),
        )
        with self._room.database.transaction() as tx:
            people.person(tx, terms.initiator)
            contracts.insert(tx, contract)
            public: dict[str, Field] = {
                "digest": accepted.digest,
                "size": accepted.size,
                "pages": contract.pages,
                "deadline": instant(contract.deadline.at),
                "order": contract.order.value,
            }
            private = {"title": contract.title, "kind": contract.kind, "purpose": contract.purpose}
            self._tell(tx, contract, EventKind.CONTRACT_DRAFTED, public, private)
            return contracts.load(tx, contract.id)

    def add_person(self, contract_id: str, *, subject: str, placement: Placement | None = None) -> Party:
        """A known person becomes the next party; without *placement* the field goes to its usual place."""
        with self._room.database.transaction() as tx:
            person = people.person(tx, subject)
            signatory = _Signatory(PartyKind.PERSON, subject, person.name, person.organisation)
            return self._add(tx, contract_id, signatory, placement)

    def add_seal(
        self, contract_id: str, *, seal: str, requester: str, placement: Placement | None = None
    ) -> Party:
        """A company seal becomes the next party; *requester* (a person's subject) asks for its use."""
        with self._room.database.transaction() as tx:
            known = people.seal(tx, seal)
            people.person(tx, requester)
            name = f"{known.organisation} {known.kind.value}"
            signatory = _Signatory(PartyKind.SEAL, seal, name, known.organisation, requester)
            return self._add(tx, contract_id, signatory, placement)

    def _add(self, tx: Transaction, contract_id: str, signatory: _Signatory, placement: Placement | None) -> Party:
        contract = contracts.load(tx, contract_id)
        rules.require_state(contract, ContractState.DRAFT)
        party = _next_party(contract, signatory, placement)
        if party.placement.page not in range(contract.pages):
            raise PreconditionRefused("The document has only {pages} pages.", pages=contract.pages)
        if any(other.subject == party.subject for other in contract.parties):
            raise PreconditionRefused("{name} is a party already.", name=party.name)
        contracts.insert_party(tx, contract.id, party)
        public: dict[str, Field] = {
            "party": party.id,
            "position": party.position,
            "field": party.field,
            "subject": party.subject,
        }
        private = {"name": party.name, "organisation": party.organisation}
        self._tell(tx, contract, EventKind.PARTY_ADDED, public, private)
        return party

    def _tell(
        self,
        tx: Transaction,
        contract: Contract,
        kind: EventKind,
        public: Mapping[str, Field],
        private: Mapping[str, Field],
    ) -> None:
        now = self._room.now()
        event = HistoryEvent(kind, now, contract.initiator, contract.id, public, private)
        self._room.chronicle.tell(tx, event)


def _next_party(contract: Contract, signatory: _Signatory, placement: Placement | None) -> Party:
    position = len(contract.parties) + 1
    return Party(
        id=secrets.token_hex(12),
        position=position,
        kind=signatory.kind,
        subject=signatory.subject,
        name=signatory.name,
        organisation=signatory.organisation,
        requester=signatory.requester,
        # The contract's id keeps the name apart from fields of a document that was signed here before.
        field=f"{signatory.kind.value}-{position}-{contract.id[:8]}",
        placement=placement or usual_place(signatory.kind, position, contract.pages),
    )


def _require_terms(terms: DraftTerms, now: datetime) -> None:
    for name, words in (("title", terms.title), ("type", terms.kind), ("purpose", terms.purpose)):
        if not words.strip():
            raise PreconditionRefused("A contract needs a {name} in words.", name=name)
    try:
        ZoneInfo(terms.deadline.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise PreconditionRefused("There is no time zone {zone}.", zone=terms.deadline.zone) from error
    if terms.deadline.at <= now:
        raise PreconditionRefused(
            "The deadline {deadline} is in the past.", deadline=terms.deadline.at.isoformat(timespec="minutes")
        )
