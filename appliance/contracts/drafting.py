"""Drafting: from a document to a contract with its parties and fields; and a new draft for one that has ended."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.contracts import draft_rules, numbering, sending, signatories
from appliance.contracts.access import Command, admit, drafting_client, record_change
from appliance.contracts.annexes import annexes_from, copy_annexes, insert_annexes
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.draft_rules import DraftTerms, PlacementChoice, Signatory, new_party
from appliance.contracts.merging import ComposedDocument, Composing, put_in_place
from appliance.contracts.permissions import ContractActor, Permission
from appliance.contracts.preconditions import SigningContext
from appliance.contracts.signatories import GuestRules
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
from appliance.model.template_parties import NO_PARTIES, RoleKind, TemplateParties, TemplateRole
from appliance.policy import Policy
from appliance.signing_methods import SigningMethod
from appliance.store import amendments, contracts, people, seal_rules
from appliance.store.annexes import annexes_of
from appliance.store.database import Transaction
from hsm.errors import Sentence
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
        self,
        records: ContractRecords,
        rules: SigningRules,
        backend: SigningBackend,
        intake: Intake,
        composing: Composing,
    ) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend
        self._intake = intake
        self._composing = composing

    def draft(
        self,
        document: bytes,
        terms: DraftTerms,
        *,
        parties: TemplateParties = NO_PARTIES,
        guests: Sequence[GuestDetails] = (),
        as_contract: str | None = None,
    ) -> Contract:
        """A new draft, under the id *as_contract* (24 hex digits) where the caller has chosen one, with the
        *parties* of a template and in its order, whose open roles the *guests* take, its annexes, and copies to
        those of its people who still can get one: all of it or nothing.

        Raises :class:`DocumentRefused`, and :class:`PreconditionRefused` for impossible terms and parties.
        """
        now = self._records.now()
        terms = draft_rules.tidy_terms(replace(terms, order=parties.order) if parties.roles else terms, now)
        cast, rules = parties.cast(guests), self._guest_rules() if guests else None
        composed = self._composing.compose(document, annexes_from(parties.annexes, now), by=terms.initiator)
        placed = [self._placed(role, composed) for role, _ in cast]
        with self._records.database.transaction() as tx:
            policy = self._rules.policy
            draft = insert_draft(tx, composed.accepted, terms, policy, now, as_contract=as_contract)
            draft = insert_annexes(tx, draft, composed.annexes, now)
            for (role, guest), places in zip(cast, placed, strict=True):
                who = signatories.role_signatory(tx, draft, role, guest, rules)
                party = draft_rules.new_party(draft, who, places[0] if places else PlacementChoice.DEFAULT)
                cross = role.cross_page if draft.pages > 1 else None
                filled = tuple(
                    replace(each, id=secrets.token_hex(12), places=composed.kept(each.places))
                    for each in role.inputs
                )
                joined = replace(party, more=places[1:], cross_page=cross, inputs=filled)
                draft = self._join(tx, draft, joined)
            return signatories.give_kept_copies(tx, draft, parties.copies, now)

    def _placed(self, role: TemplateRole, composed: ComposedDocument) -> tuple[Placement, ...]:
        """Where the fields of *role* go in this document; empty for the usual place."""
        kept = composed.kept(role.places)
        found = self._intake.find_phrase(composed.accepted, role.words) if role.words else ()
        for last in [each for each in found if each.page < composed.own][-1:]:
            sizes, seal = composed.accepted.inspection.pages, role.kind is RoleKind.SEAL
            return (draft_rules.place_behind(last, kept, sizes, seal=seal), *kept[1:])
        return kept

    def revise(self, contract_id: str, terms: DraftTerms, *, by: str, seen: int | None = None) -> Contract:
        """Other words, another order or deadline; the initiator does not change."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            before = admit(tx, Command(contract_id, Permission.EDIT, by, now, seen))
            drafting_client(tx, before.initiator, terms.kind)  # a client's draft stays within its reach
            after = draft_rules.revised_draft(before, draft_rules.tidy_terms(terms, now, before=before.deadline))
            after = numbering.renumber_draft(tx, before, after, terms.number, self._rules.policy, now)
            if after == before:
                return before
            contracts.revise(tx, after)
            return self._changed(
                tx, after, EventKind.CONTRACT_REVISED, _public_fields(after), _private_fields(after)
            )

    def replace_document(self, contract_id: str, document: bytes, *, by: str, seen: int | None = None) -> Contract:
        """Another document in place of the draft's own; merged annexes come after it again. Fields on pages that
        it does not have lose their places."""
        command = Command(contract_id, Permission.EDIT, by, self._records.now(), seen)
        with self._records.database.reading() as tx:  # before the work, so that strangers cannot cause any
            read, attached = admit(tx, command), annexes_of(tx, contract_id)
        composed, now = self._composing.compose(document, attached, by=by), self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, replace(command, now=now))
            put_in_place(tx, contract, read, composed, now)
            return self._changed(tx, contract, EventKind.DOCUMENT_REPLACED, composed.file)

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
            return self._add(tx, contract, signatories.person_signatory(tx, subject), placement)

    def add_guest(
        self,
        contract_id: str,
        guest: GuestDetails,
        *,
        by: str,
        seen: int | None = None,
        as_party: str | None = None,
    ) -> Party:
        """Somebody from outside becomes the next party, for this contract alone; the field is not placed yet.
        *as_party* (24 hex digits) is the party's id where the caller has chosen one."""
        rules = self._guest_rules()
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            signatory = signatories.guest_signatory(tx, contract, guest, rules)
            return self._add(tx, contract, signatory, None, as_party)

    def _guest_rules(self) -> GuestRules:
        authority = self._backend.authority
        certified, vouching = sending.certified_here(authority), sending.vouched_here(authority)
        return GuestRules(self._rules.basis_finder.own, tuple(certified), self._rules.policy, vouching)

    def offered_methods(self, contract: Contract) -> tuple[SigningMethod, ...]:
        """How an outside signer of the draft can sign; a form proposes the first."""
        rules = self._rules.policy.rules_for(contract.kind).outside_signers
        return draft_rules.offered_methods(rules, sending.vouched_here(self._backend.authority))

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
        """A company seal becomes the next party; *requester* (a person's subject) asks for its use: for another
        company's seal one of its outside signers, which :meth:`SealConditions.of_choice` sees to."""
        with self._records.database.transaction() as tx:
            contract = self._draft(tx, contract_id, by, seen)
            signatory = signatories.seal_signatory(tx, contract, seal, requester)
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
            draft_rules.require_places(contract, placements, cross_page, before=party.places)
            if cross_page is not None and party.kind is not PartyKind.SEAL:
                raise PreconditionRefused("Only a seal goes across pages; {name} is a person.", name=party.name)
            if (party.places, party.cross_page) == (tuple(placements), cross_page):
                return contract
            _require_position(
                tx, contract, replace(party, placement=next(iter(placements), None), more=(*placements[1:],))
            )
            contracts.place_party(tx, party_id, placements, cross_page)
            public: dict[str, Field] = {"party": party_id, "places": len(placements)}
            return self._changed(tx, contract, EventKind.FIELDS_PLACED, public)

    def draft_again(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """A draft like the contract that has ended: its document, words, parties with their fields, order, copies,
        dates and language, and as long until the deadline as there was from sending. What is to be changed is
        changed there. People and seals are named as the register has them now; guests stay who they are, with
        the key that they have, and get a new link when the draft is sent; only for whom the initiator vouched has
        to be vouched for anew.

        Asked again, it gives the draft, or what became of it, unless that was thrown away. Raises
        :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed.
        """
        now = self._records.now()
        with self._records.database.transaction() as tx:
            before = admit(tx, Command(contract_id, Permission.CORRECT, by, now, seen))
            known = contracts.successor(tx, before.id)
            if known is not None:
                return contracts.load_contract(tx, known)
            draft = _like(tx, before, self._rules.policy, now, {"replaces": before.id})
            contracts.insert_succession(tx, draft.id, replaces=before.id)
            for party in before.parties:
                draft = join_like(tx, draft, party, now)
            for entry in contracts.dates_of(tx, before.id):
                contracts.save_date(tx, draft.id, replace(entry, set_by=by, set_at=now))
            changing = amendments.amendment_by(tx, before.id)
            if changing is not None:
                amendments.insert_amendment(tx, replace(changing, contract=draft.id))
            public = {"successor": draft.id}
            event = AuditEvent(EventKind.CONTRACT_CORRECTED, now, by, before.id, public)
            append_event(tx, event)
            return signatories.give_kept_copies(tx, draft, before.copied, now)

    def duplicate(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """A new draft like this contract of the initiator's own, in whatever state it is: its document as it was
        given, words, parties with their fields, order, copies and language, and as much time for signing. Outside
        signers are named anew, and get links of their own. Raises :class:`StateRefused`,
        :class:`PreconditionRefused`.
        """
        now = self._records.now()
        with self._records.database.transaction() as tx:
            before = admit(tx, Command(contract_id, Permission.DUPLICATE, by, now, seen))
            draft = _like(tx, before, self._rules.policy, now, {"copied": before.id})
            guests: dict[str, str] = {}
            for party in before.parties:
                draft = join_like(tx, draft, party, now, guests=guests)
            return signatories.give_kept_copies(tx, draft, before.copied, now)

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

    def _draft(self, tx: Transaction, contract_id: str, by: str, seen: int | None) -> Contract:
        return admit(tx, Command(contract_id, Permission.EDIT, by, self._records.now(), seen))

    def _add(
        self,
        tx: Transaction,
        contract: Contract,
        signatory: Signatory,
        placement: Placement | PlacementChoice | None,
        as_party: str | None = None,
    ) -> Party:
        party = draft_rules.new_party(contract, signatory, placement)
        party = party if as_party is None else replace(party, id=as_party)
        chosen = isinstance(placement, Placement)
        return self._join(tx, contract, party, chosen=chosen).require_party(party.id)

    def _join(self, tx: Transaction, contract: Contract, party: Party, *, chosen: bool = False) -> Contract:
        """*contract* with *party* more. A place that breaks a seal's rules is refused if it was *chosen* now; else
        the initiator places the field later."""
        if party.kind is PartyKind.SEAL:
            for reason in self._rules.seals.of_choice(tx, SigningContext(contract, party, self._records.now())):
                raise PreconditionRefused(reason.template, **reason.values)
            if not chosen and any(_misplaced(tx, contract, party)):
                party = replace(party, placement=None, more=())
            _require_position(tx, contract, party)
        contracts.insert_party(tx, contract.id, party)
        if party.subject == contract.initiator:
            contracts.order_parties(tx, contract.id, [party.id, *(other.id for other in contract.parties)])
        return record_change(tx, contract, added_event(contract, party, self._records.now()))

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


def _misplaced(tx: Transaction, contract: Contract, party: Party) -> Iterator[Sentence]:
    if party.kind is PartyKind.SEAL:
        yield from seal_rules.rules_of(tx, party.subject).misplaced(party, contract.pages)


def _require_position(tx: Transaction, contract: Contract, party: Party) -> None:
    """Raises :class:`PreconditionRefused` where a field of *party*, a seal, lies where its rules have none."""
    for reason in _misplaced(tx, contract, party):
        raise PreconditionRefused(reason.template, **reason.values)


def insert_draft(
    tx: Transaction,
    accepted: AcceptedDocument,
    terms: DraftTerms,
    policy: Policy,
    now: datetime,
    links: Mapping[str, Field] | None = None,
    as_contract: str | None = None,
) -> Contract:
    """A new draft of tidied *terms*, with the id *as_contract*; *links*: see :func:`drafted_event`."""
    initiator = people.person(tx, terms.initiator)
    contract = Contract(
        id=as_contract or secrets.token_hex(12),
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
        department=people.department_of(tx, terms.initiator),
        api_client=drafting_client(tx, terms.initiator, terms.kind),
    )
    contracts.insert_contract(tx, contract)
    contract = numbering.renumber_draft(tx, contract, contract, terms.number, policy, now)
    return record_change(tx, contract, drafted_event(contract, now, links))


def drafted_event(contract: Contract, now: datetime, links: Mapping[str, Field] | None = None) -> AuditEvent:
    """What the log keeps of a new draft; *links* name the contract that it replaces, changes or is like."""
    original = contract.original
    public: dict[str, Field] = {"digest": original.digest, "size": original.size, "pages": contract.pages}
    public |= {**_public_fields(contract), **(links or {})}
    kind = EventKind.CONTRACT_DRAFTED
    return AuditEvent(kind, now, contract.initiator, contract.id, public, _private_fields(contract))


def _like(
    tx: Transaction, before: Contract, policy: Policy, now: datetime, links: Mapping[str, Field]
) -> Contract:
    """A draft like *before*, without its parties; *links* as in :func:`drafted_event`."""
    original = before.original
    draft = replace(
        before,
        id=secrets.token_hex(12),
        deadline=draft_rules.deadline_again(before, now),
        state=ContractState.DRAFT,
        created=now,
        parties=(),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, original.digest, original.size, now),),
        former=(),
        copied=(),
        colleagues=(),
        voiding=None,
        number="",
        number_entered=False,
        department=people.department_of(tx, before.initiator),
        api_client=drafting_client(tx, before.initiator, before.kind),
    )
    contracts.insert_contract(tx, draft)
    copy_annexes(tx, before, draft)
    draft = numbering.reserve_number(tx, draft, policy, now)
    return record_change(tx, draft, drafted_event(draft, now, links))


def join_like(
    tx: Transaction,
    draft: Contract,
    party: Party,
    now: datetime,
    *,
    guests: dict[str, str] | None = None,
    unplaced: bool = False,
    foot_of_last_page: bool = False,
) -> Contract:
    """The *draft* with one party more, like *party* of another contract, who signs where that one would have
    signed; or at the foot of the last page, or, *unplaced*, nowhere yet.

    People and seals are named as the register has them now. A guest is bound to one contract and those that
    replace it: in any other draft somebody of the same name takes the place, by *guests* (before → now), which
    grows by it.
    """
    if guests is None and party.method is SigningMethod.VOUCHED:
        guests = {}  # the certificate was for that contract alone
    subject, requester = (
        each if guests is None or each is None else signatories.guest_anew(tx, each, guests)
        for each in (party.subject, party.requester)
    )
    if party.kind is PartyKind.SEAL:
        seal = people.seal(tx, party.subject)
        name, organisation = seal.label, seal.organisation
    else:
        person = people.person(tx, party.subject)
        name, organisation = person.name, person.organisation
    who = party.kind, subject or party.subject, name, organisation
    signatory = Signatory(*who, requester, party.phone, party.method)
    if foot_of_last_page:
        joined = new_party(draft, signatory, PlacementChoice.DEFAULT)
    elif unplaced:
        joined = new_party(draft, signatory, None)
    else:
        anew = new_party(draft, signatory, party.placement)
        joined = replace(anew, more=party.more, cross_page=party.cross_page)
    inputs = (replace(each, id=secrets.token_hex(12), value="") for each in party.inputs)
    joined = replace(joined, inputs=() if unplaced or foot_of_last_page else tuple(inputs))
    contracts.insert_party(tx, draft.id, joined)
    return record_change(tx, draft, added_event(draft, joined, now))


def added_event(contract: Contract, party: Party, now: datetime) -> AuditEvent:
    """What the log keeps of a party that joins a draft."""
    public: dict[str, Field] = {"party": party.id, "field": party.field, "subject": party.subject}
    public |= {} if party.method is None else {"method": party.method.value}
    private = {"name": party.name, "organisation": party.organisation}
    return AuditEvent(EventKind.PARTY_ADDED, now, contract.initiator, contract.id, public, private)


def _public_fields(contract: Contract) -> dict[str, Field]:
    return {"deadline": instant(contract.deadline.at), "order": contract.order.value}


def _private_fields(contract: Contract) -> dict[str, Field]:
    amount = None if contract.amount is None else str(contract.amount)
    fields = {"title": contract.title, "kind": contract.kind, "purpose": contract.purpose, "amount": amount}
    return fields | numbering.number_field(contract)
