"""Drafting: from a document to a contract with its parties and fields; and a new draft for one that has ended."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.contact_details import telephone_number
from appliance.contracts import draft_rules, sending
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.draft_rules import DraftTerms, PlacementChoice, Signatory, new_party
from appliance.contracts.permissions import ContractActor, Permission
from appliance.contracts.preconditions import SigningContext
from appliance.documents.intake import AcceptedDocument, Intake
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    CrossPage,
    GuestDetails,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
)
from appliance.store import contracts, people
from appliance.store.database import Transaction
from hsm.intents import instant

__all__ = ["DraftTerms", "Drafting", "PlacementChoice"]


@dataclass(frozen=True, slots=True)
class ReplacementLinks:
    """The contract that one replaces, and the one that replaces it; None where the reader has none."""

    replaces: Contract | None
    replaced_by: Contract | None


class Drafting:
    """Drafts belong to their initiator; everything can change until they are sent, and may be missing until then.

    ``by`` is who acts (a subject), ``seen`` the version of the contract that was shown. Every call raises
    :class:`StateRefused` when that is not the newest, or the contract is no draft any more, and
    :class:`PreconditionRefused` for anybody but the initiator, and for what no contract can have.
    """

    def __init__(
        self, records: ContractRecords, rules: SigningRules, backend: SigningBackend, intake: Intake
    ) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend
        self._intake = intake

    def draft(self, document: bytes, terms: DraftTerms) -> Contract:
        """A new draft. Raises :class:`DocumentRefused`, or :class:`PreconditionRefused` for impossible terms."""
        now = self._records.now()
        terms = draft_rules.tidy_terms(terms, now)
        accepted = self._intake.accept(document)
        with self._records.database.transaction() as tx:
            initiator = people.person(tx, terms.initiator)
            contract = Contract(
                id=secrets.token_hex(12),
                title=terms.title,
                kind=terms.kind,
                purpose=terms.purpose,
                initiator=terms.initiator,
                order=terms.order,
                deadline=terms.deadline or draft_rules.default_deadline(now, initiator.zone),
                state=ContractState.DRAFT,
                created=now,
                pages=len(accepted.inspection.pages),
                parties=(),
                revisions=(ContractRevision(0, RevisionKind.ORIGINAL, accepted.digest, accepted.size, now),),
                amount=terms.amount,
                language=terms.language or initiator.language,
            )
            contracts.insert_contract(tx, contract)
            return record_change(tx, contract, drafted_event(contract, now))

    def revise(self, contract_id: str, terms: DraftTerms, *, by: str, seen: int | None = None) -> Contract:
        """Other words, another order or deadline; the initiator does not change."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            before = admit(tx, Command(contract_id, Permission.EDIT, by, now, seen))
            after = draft_rules.revised_draft(before, draft_rules.tidy_terms(terms, now, before=before.deadline))
            if after == before:
                return before
            contracts.revise(tx, after)
            return self._changed(
                tx, after, EventKind.CONTRACT_REVISED, _public_fields(after), _private_fields(after)
            )

    def replace_document(self, contract_id: str, document: bytes, *, by: str, seen: int | None = None) -> Contract:
        """Another document in place of the draft's; fields on pages that it does not have lose their places."""
        command = Command(contract_id, Permission.EDIT, by, self._records.now(), seen)
        with self._records.database.reading() as tx:  # before the work, so that strangers cannot cause any
            admit(tx, command)
        accepted = self._intake.accept(document)
        pages, now = len(accepted.inspection.pages), self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, replace(command, now=now))
            original = ContractRevision(0, RevisionKind.ORIGINAL, accepted.digest, accepted.size, now)
            contracts.replace_original(tx, contract, original, pages)
            for party in contract.parties:
                left = [place for place in party.places if place.page < pages]
                contracts.place_party(tx, party.id, left, party.cross_page)
            return self._changed(tx, contract, EventKind.DOCUMENT_REPLACED, _file(accepted))

    def add_person(
        self,
        contract_id: str,
        *,
        subject: str,
        placement: Placement | PlacementChoice | None = PlacementChoice.DEFAULT,
        by: str,
        seen: int | None = None,
    ) -> Party:
        """A known person becomes the next party, the initiator the first; None leaves the field unplaced."""
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            person = people.person(tx, subject)
            if person.guest:
                raise PreconditionRefused("{name} was invited to another contract only.", name=person.name)
            if not people.is_active(tx, subject):
                raise PreconditionRefused(
                    "The account of {name} is closed or suspended; name somebody else.", name=person.name
                )
            signatory = Signatory(PartyKind.PERSON, subject, person.name, person.organisation)
            return self._add(tx, contract, signatory, placement)

    def add_guest(self, contract_id: str, guest: GuestDetails, *, by: str, seen: int | None = None) -> Party:
        """Somebody from outside becomes the next party, for this contract alone; the field is not placed yet."""
        certified = sending.certified_here(self._backend.authority)
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            person = draft_rules.guest_person(guest, people.person(tx, contract.initiator))
            refusal = sending.own_organisation_refusal(
                tx, self._rules.basis_finder.own, person.organisation, certified
            )
            if refusal is not None:
                raise refusal.error()
            people.insert_person(tx, person, None)
            phone = telephone_number(guest.phone) if guest.phone.strip() else None
            signatory = Signatory(PartyKind.PERSON, person.subject, person.name, person.organisation, None, phone)
            return self._add(tx, contract, signatory, None)

    def add_seal(
        self,
        contract_id: str,
        *,
        seal: str,
        requester: str,
        placement: Placement | PlacementChoice | None = PlacementChoice.DEFAULT,
        by: str,
        seen: int | None = None,
    ) -> Party:
        """A company seal becomes the next party; *requester* (a person's subject) asks for its use."""
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            known = people.seal(tx, seal)
            if people.person(tx, requester).guest:
                raise PreconditionRefused("An outside signer cannot ask for a seal.")
            signatory = Signatory(PartyKind.SEAL, seal, known.label, known.organisation, requester)
            return self._add(tx, contract, signatory, placement)

    def remove_party(self, contract_id: str, party_id: str, *, by: str, seen: int | None = None) -> Contract:
        """A party leaves; those behind it move up."""
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            gone = contract.require_party(party_id)
            contracts.remove_party(tx, party_id)
            contracts.order_parties(
                tx, contract_id, [party.id for party in contract.parties if party.id != party_id]
            )
            public: dict[str, Field] = {"party": party_id, "subject": gone.subject}
            return self._changed(tx, contract, EventKind.PARTY_REMOVED, public, {"name": gone.name})

    def reorder(self, contract_id: str, party_ids: Sequence[str], *, by: str, seen: int | None = None) -> Contract:
        """The parties sign in this order, but the initiator first in any case."""
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            order = draft_rules.in_order(contract, party_ids)
            if order == tuple(party.id for party in contract.parties):
                return contract
            contracts.order_parties(tx, contract_id, order)
            return self._changed(tx, contract, EventKind.PARTIES_REORDERED, {"parties": " ".join(order)})

    def place(
        self,
        contract_id: str,
        party_id: str,
        placements: Sequence[Placement],
        cross_page: CrossPage | None = None,
        *,
        by: str,
        seen: int | None = None,
    ) -> Contract:
        """Where the party's signature shows: the first place, further ones, and a seal on the edges of all pages.

        No place at all takes the field away again.
        """
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            party = contract.require_party(party_id)
            draft_rules.require_places(contract, placements, cross_page)
            if cross_page is not None and party.kind is not PartyKind.SEAL:
                raise PreconditionRefused("Only a seal goes across pages; {name} is a person.", name=party.name)
            if (party.places, party.cross_page) == (tuple(placements), cross_page):
                return contract
            contracts.place_party(tx, party_id, placements, cross_page)
            public: dict[str, Field] = {"party": party_id, "places": len(placements)}
            return self._changed(tx, contract, EventKind.FIELDS_PLACED, public)

    def draft_again(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """A draft like the contract that has ended: its document, words, parties with their fields, order, dates
        and language, and as long until the deadline as there was from sending. What is to be changed is changed
        there. People and seals are named as the register has them now; guests stay who they are, with the key
        that they have, and get a new link when the draft is sent.

        Asked again, it gives the draft, or what became of it, unless that was thrown away. Raises
        :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed.
        """
        now = self._records.now()
        with self._records.database.transaction() as tx:
            before = admit(tx, Command(contract_id, Permission.CORRECT, by, now, seen))
            known = contracts.successor(tx, before.id)
            if known is not None:
                return contracts.load_contract(tx, known)
            draft = self._drafted(tx, before, now)
            for party in before.parties:
                draft = self._joined(tx, draft, party)
            for entry in contracts.dates_of(tx, before.id):
                contracts.save_date(tx, draft.id, replace(entry, set_by=by, set_at=now))
            public = {"successor": draft.id}
            event = AuditEvent(EventKind.CONTRACT_CORRECTED, now, by, before.id, public)
            append_event(tx, event)
            return draft

    def links(self, contract: Contract, reader: ContractActor) -> ReplacementLinks:
        """What *contract* replaces, and what replaces it, as far as *reader* may read them."""
        with self._records.database.reading() as tx:
            return ReplacementLinks(
                self._readable(tx, contracts.replaced(tx, contract.id), reader),
                self._readable(tx, contracts.successor(tx, contract.id), reader),
            )

    def _readable(self, tx: Transaction, contract_id: str | None, reader: ContractActor) -> Contract | None:
        if contract_id is not None:
            with suppress(NotFound, StateRefused):
                return admit(tx, Command(contract_id, Permission.READ, reader, self._records.now()))
        return None

    def _drafted(self, tx: Transaction, before: Contract, now: datetime) -> Contract:
        original = before.original
        draft = replace(
            before,
            id=secrets.token_hex(12),
            deadline=draft_rules.deadline_again(before.deadline, _sent_at(before), now),
            state=ContractState.DRAFT,
            created=now,
            parties=(),
            revisions=(ContractRevision(0, RevisionKind.ORIGINAL, original.digest, original.size, now),),
            former=(),
            voiding=None,
        )
        contracts.insert_contract(tx, draft)
        contracts.insert_succession(tx, draft.id, replaces=before.id)
        event = drafted_event(draft, now, replaces=before.id)
        return record_change(tx, draft, event)

    def _joined(self, tx: Transaction, draft: Contract, party: Party) -> Contract:
        """The draft with one party more, who signs where *party* would have signed."""
        if party.kind is PartyKind.SEAL:
            seal = people.seal(tx, party.subject)
            name, organisation = seal.label, seal.organisation
        else:
            person = people.person(tx, party.subject)
            name, organisation = person.name, person.organisation
        signatory = Signatory(party.kind, party.subject, name, organisation, party.requester, party.phone)
        anew = new_party(draft, signatory, party.placement)
        joined = replace(anew, more=party.more, cross_page=party.cross_page)
        contracts.insert_party(tx, draft.id, joined)
        return record_change(tx, draft, added_event(draft, joined, self._records.now()))

    def _draft(self, tx: Transaction, contract_id: str, by: str, seen: int | None) -> Contract:
        return admit(tx, Command(contract_id, Permission.EDIT, by, self._records.now(), seen))

    def _add(
        self,
        tx: Transaction,
        contract: Contract,
        signatory: Signatory,
        placement: Placement | PlacementChoice | None,
    ) -> Party:
        party = draft_rules.new_party(contract, signatory, placement)
        if party.kind is PartyKind.SEAL:
            for reason in self._rules.seals.of_choice(tx, SigningContext(contract, party, self._records.now())):
                raise PreconditionRefused(reason.template, **reason.values)
        contracts.insert_party(tx, contract.id, party)
        if party.subject == contract.initiator:
            contracts.order_parties(tx, contract.id, [party.id, *(other.id for other in contract.parties)])
        now = record_change(tx, contract, added_event(contract, party, self._records.now()))
        return now.require_party(party.id)

    def _changed(
        self,
        tx: Transaction,
        contract: Contract,
        kind: EventKind,
        public: Mapping[str, Field],
        private: Mapping[str, Field] | None = None,
    ) -> Contract:
        event = AuditEvent(kind, self._records.now(), contract.initiator, contract.id, public, private or {})
        return record_change(tx, contract, event)


def drafted_event(contract: Contract, now: datetime, *, replaces: str | None = None) -> AuditEvent:
    """What the log keeps of a new draft; *replaces* is the id of the contract that it takes the place of."""
    original = contract.original
    public: dict[str, Field] = {"digest": original.digest, "size": original.size, "pages": contract.pages}
    public |= _public_fields(contract) | ({} if replaces is None else {"replaces": replaces})
    kind = EventKind.CONTRACT_DRAFTED
    return AuditEvent(kind, now, contract.initiator, contract.id, public, _private_fields(contract))


def added_event(contract: Contract, party: Party, now: datetime) -> AuditEvent:
    """What the log keeps of a party that joins a draft."""
    public: dict[str, Field] = {"party": party.id, "field": party.field, "subject": party.subject}
    private = {"name": party.name, "organisation": party.organisation}
    return AuditEvent(EventKind.PARTY_ADDED, now, contract.initiator, contract.id, public, private)


def _file(accepted: AcceptedDocument) -> dict[str, Field]:
    return {"digest": accepted.digest, "size": accepted.size, "pages": len(accepted.inspection.pages)}


def _public_fields(contract: Contract) -> dict[str, Field]:
    return {"deadline": instant(contract.deadline.at), "order": contract.order.value}


def _private_fields(contract: Contract) -> dict[str, Field]:
    amount = None if contract.amount is None else str(contract.amount)
    return {"title": contract.title, "kind": contract.kind, "purpose": contract.purpose, "amount": amount}


def _sent_at(contract: Contract) -> datetime:
    """When the contract was sent: when it got its fields."""
    fields = (each.at for each in contract.revisions if each.kind is RevisionKind.FIELDS)
    return next(fields, contract.created)
