"""What ends a contract: discarded, declined, recalled, expired, voided by all; and a later deadline.

Voiding takes nothing from a completed contract: its document and signatures stay as they are. What is added are
declarations, one for each person who acted for a party, signed with that person's own key and timestamped, in
the log.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from appliance.contracts import permissions
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.amendment_rules import lose_effect
from appliance.contracts.authorisation_basis import require_entitled
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules, record_intent
from appliance.contracts.permissions import Permission
from appliance.contracts.preconditions import SigningContext
from appliance.contracts.rules import require_reason, to_everybody, to_those_who_know
from appliance.enrolment_requests import withdraw_enrolment_request
from appliance.entered_text import require_zone
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.contract import Contract, ContractState, Deadline, OpenVoiding
from appliance.model.intent import VoidDeclaration
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.powers.register import end_with_instrument
from appliance.store import contracts, intents, people
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import instant
from hsm.records import DECLARATION, FORMATS


class Endings:
    """Each ending is one transaction: the state, prepared signatures abandoned, guests' open enrolment requests
    closed, the log entry, the notices.

    ``by`` is who acts (a subject), ``seen`` the version of the contract that was shown. Raises
    :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed, or no reason is given.
    """

    def __init__(self, records: ContractRecords, rules: SigningRules) -> None:
        self._records = records
        self._rules = rules

    def discard(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The initiator throws a draft away; nobody else has heard of it."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.DISCARD, by, now, seen))
            contracts.move(tx, contract, ContractState.DISCARDED)
            event = AuditEvent(EventKind.CONTRACT_DISCARDED, now, by, contract_id)
            return record_change(tx, contract, event)

    def decline(
        self, contract_id: str, party_id: str, *, reason: str, by: str, seen: int | None = None
    ) -> Contract:
        """A party whose turn it is will not sign; *by* is who acts for it."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.DECLINE, by, now, seen, party_id))
            contracts.mark_declined(tx, contract, contract.require_party(party_id), reason)
            public, private = {"party": party_id}, {"reason": reason}
            event = AuditEvent(EventKind.PARTY_DECLINED, now, by, contract_id, public, private)
            return self._end(tx, contract, ContractState.DECLINED, event)

    def recall(self, contract_id: str, *, by: str, reason: str, seen: int | None = None) -> Contract:
        """The initiator takes the contract back while it waits for signatures."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.RECALL, by, now, seen))
            event = AuditEvent(EventKind.CONTRACT_RECALLED, now, by, contract_id, {}, {"reason": reason})
            return self._end(tx, contract, ContractState.RECALLED, event)

    def expire(self) -> list[str]:
        """Ends every sent contract whose deadline has passed and that nobody can extend any more; their ids."""
        now = self._records.now()
        due = self._records.database.query(self.overdue, now)
        for contract_id in due:
            with self._records.database.transaction() as tx:
                contract = contracts.load_contract(tx, contract_id)
                if contract.is_overdue(now - self._grace(contract.kind)):
                    event = AuditEvent(EventKind.CONTRACT_EXPIRED, now, SYSTEM, contract_id)
                    self._end(tx, contract, ContractState.EXPIRED, event)
        return due

    def overdue(self, tx: Transaction, now: datetime) -> list[str]:
        """Ids of contracts that :meth:`expire` would end at *now*."""
        return contracts.overdue(tx, now, grace=self._grace)

    def extend(self, contract_id: str, deadline: Deadline, *, by: str, seen: int | None = None) -> Contract:
        """The initiator (*by*) sets a later deadline; those who know of the contract are notified.

        Never an earlier one: people rely on the deadline. Where policy allows time after the deadline
        (``reminders.grace_hours``), a contract can still be extended then.
        """
        now = self._records.now()
        later = replace(deadline, at=deadline.at.replace(microsecond=0))
        require_zone(later.zone)
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.EXTEND, by, now, seen))
            if now >= contract.deadline.at + self._grace(contract.kind):
                raise permissions.too_late(contract).error()
            if later.at <= now:
                raise PreconditionRefused("The new deadline must be in the future.")
            if later.at <= contract.deadline.at:
                raise PreconditionRefused(
                    "The new deadline must be later than {deadline} ({zone}).",
                    deadline=contract.deadline.local(),
                    zone=contract.deadline.zone,
                )
            contracts.postpone(tx, contract, later)
            public: dict[str, Field] = {
                "deadline": instant(later.at),
                "zone": later.zone,
                "before": instant(contract.deadline.at),
            }
            event = AuditEvent(EventKind.DEADLINE_EXTENDED, now, by, contract_id, public)
            extended = record_change(tx, contract, event)
            told = to_those_who_know(extended, NoticeKind.EXTENDED, now)
            self._records.notify(tx, (notice for notice in told if notice.recipient != by))
            return extended

    def _grace(self, kind: str) -> timedelta:
        return self._rules.policy.rules_for(kind).reminders.grace

    def _end(self, tx: Transaction, contract: Contract, state: ContractState, event: AuditEvent) -> Contract:
        contracts.move(tx, contract, state)
        intents.abandon_prepared(tx, contract.id, f"the contract is {state.value}")
        close_guest_requests(tx, contract, event.at)
        self._records.notify(tx, to_those_who_know(contract, NoticeKind(state.value), event.at))
        return record_change(tx, contract, event)


ENDED: Final = "The contract that this person was to sign has ended."
"""Saved with the officers' decision, and translated when it is shown."""


def close_guest_requests(tx: Transaction, contract: Contract, at: datetime) -> None:
    """Closes the open enrolment requests of guests of *contract* who have no other contract under way, with the
    decision by which an officer was about to grant one: nobody can activate it any more."""
    for party in contract.parties:
        if party.guest and not contracts.acts_elsewhere(tx, party.subject, contract.id):
            withdraw_enrolment_request(tx, party.subject, reason=ENDED, by=SYSTEM, at=at)


FIELD = DECLARATION
"""What stands for the field: a declaration is no signature of the contract."""


class Voiding:
    """Proposed, declared by one after the other, or refused by one, which ends the proposal. Thread-safe."""

    def __init__(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend

    def propose(self, contract_id: str, *, reason: str, by: str, seen: int | None = None) -> Contract:
        """The contract with an open proposal; the others are notified. Nobody has declared anything yet, *by*
        neither.

        Raises :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed.
        """
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.VOID, by, now, seen))
            proposal = OpenVoiding(secrets.token_hex(12), by, reason, now)
            intents.insert_voiding(tx, contract_id, proposal)
            event = AuditEvent(
                EventKind.VOID_PROPOSED, now, by, contract_id, {"voiding": proposal.id}, {"reason": reason}
            )
            proposed = record_change(tx, contract, event)
            self._notify_others(tx, proposed, NoticeKind.VOID_PROPOSED, by, now)
            return proposed

    def prepare(self, contract_id: str, *, by: str, seen: int | None = None) -> VoidDeclaration:
        """What *by* reads and activates: ``record`` is the declaration, ``intent`` goes to the authenticator."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.AGREE_TO_VOID, by, now, seen))
            self._require_entitled(tx, contract, by, now)
            proposal = _open(contract)
            record = _record(contract, proposal, people.person(tx, by), now)
            expires = now + self._rules.lifetime
            only = self._rules.passkey_only(contract)
            intent = record_intent(by, record, field=FIELD, expires=expires, about=contract, passkey_only=only)
            declaration = VoidDeclaration(secrets.token_hex(12), contract_id, proposal.id, by, record, intent, now)
            intents.forget_expired_declarations(tx, now)
            intents.insert_declaration(tx, declaration)
        return declaration

    def declaration(self, contract_id: str, declaration_id: str, *, by: str) -> VoidDeclaration:
        """What was prepared for *by*. Raises :class:`NotFound`."""
        found = self._records.database.query(intents.declaration, contract_id, declaration_id)
        if found.person != by:
            raise NotFound("There is no declaration {declaration}.", declaration=declaration_id)
        return found

    def declare(self, contract_id: str, declaration_id: str) -> Contract:
        """The contract once the declaration, which its person has activated, is signed, timestamped and in the
        log; void if it was the last one.

        Raises :class:`NotFound` for a declaration about another contract, :class:`ActivationRefused`,
        :class:`StateRefused` or :class:`PreconditionRefused`. After a crash the declaration expires unsigned and
        is prepared again.
        """
        with self._records.database.reading() as tx:
            declaration = intents.declaration(tx, contract_id, declaration_id)
            self._require_open(tx, declaration)
        cms, at = self._backend.sign_record(declaration.intent, declaration.record)
        with self._records.database.transaction() as tx:
            contract = self._require_open(tx, declaration)
            event = _declared(declaration, at)
            entry = append_event(tx, event)
            intents.save_declaration_signature(tx, declaration, at=at, cms=cms, entry=entry)
            declared = record_change(tx, contract, event, appended=True)
            return self._void(tx, declared, declaration) if _is_unanimous(declared) else declared

    def refuse(self, contract_id: str, *, reason: str, by: str, seen: int | None = None) -> Contract:
        """*by* refuses the voiding: the proposal ends, the contract stays completed, all are notified."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.REFUSE_TO_VOID, by, now, seen))
            proposal = _open(contract)
            intents.refuse_voiding(tx, proposal.id, by=by, reason=reason, at=now)
            event = AuditEvent(
                EventKind.VOID_REFUSED, now, by, contract_id, {"voiding": proposal.id}, {"reason": reason}
            )
            refused = record_change(tx, contract, event)
            self._notify_others(tx, refused, NoticeKind.VOID_REFUSED, by, now)
            return refused

    def declarations(self, contract_id: str) -> tuple[VoidDeclaration, ...]:
        """The signed declarations of the proposal that voided the contract, or of the open one, as evidence."""
        return self._records.database.query(intents.declarations, contract_id)

    def _require_open(self, tx: Transaction, declaration: VoidDeclaration) -> Contract:
        """The contract while the declaration can be signed."""
        now = self._records.now()
        contract = admit(tx, Command(declaration.contract, Permission.AGREE_TO_VOID, declaration.person, now))
        self._require_entitled(tx, contract, declaration.person, now)
        if _open(contract).id != declaration.voiding or now >= declaration.intent.expires:
            raise StateRefused("This declaration can no longer be signed here; prepare it again.")
        return contract

    def _require_entitled(self, tx: Transaction, contract: Contract, person: str, now: datetime) -> None:
        """Who takes a contract back needs what signing it takes: identity and authority, as they are now."""
        for party in contract.parties:
            if party.responsible == person:
                require_entitled(tx, self._rules.basis_finder, SigningContext(contract, party, now))

    def _void(self, tx: Transaction, contract: Contract, last: VoidDeclaration) -> Contract:
        now = self._records.now()
        intents.finish_voiding(tx, last.voiding, at=now)
        end_with_instrument(tx, contract.id, by=last.person, at=now)
        contracts.move(tx, contract, ContractState.VOIDED)
        public: dict[str, Field] = {"voiding": last.voiding}
        event = AuditEvent(EventKind.CONTRACT_VOIDED, now, last.person, contract.id, public)
        voided = record_change(tx, contract, event)
        lose_effect(tx, voided, by=last.person, at=now)
        self._records.notify(tx, to_everybody(voided, NoticeKind.VOIDED, now))
        return voided

    def _notify_others(
        self, tx: Transaction, contract: Contract, kind: NoticeKind, by: str, now: datetime
    ) -> None:
        others = (subject for subject in contract.everybody if subject != by)
        self._records.notify(tx, [Notice(contract.id, subject, kind, now) for subject in others])


def _open(contract: Contract) -> OpenVoiding:
    if contract.voiding is None:
        raise PreconditionRefused("Nobody proposes to void “{title}”.", title=contract.title)
    return contract.voiding


def _is_unanimous(contract: Contract) -> bool:
    return set(contract.signatories) <= set(_open(contract).declared)


def _record(contract: Contract, proposal: OpenVoiding, person: Person, now: datetime) -> bytes:
    return canonical.encode(
        {
            "contract": contract.id,
            "declared": instant(now),
            "digest": contract.current.digest,
            "format": FORMATS[FIELD],
            "name": person.name,
            "organisation": person.organisation,
            "parties": [party.id for party in contract.parties if party.responsible == person.subject],
            "person": person.subject,
            "proposed": instant(proposal.at),
            "proposed_by": proposal.by,
            "reason": proposal.reason,
            "title": contract.title,
            "voiding": proposal.id,
        }
    )


def _declared(declaration: VoidDeclaration, at: datetime) -> AuditEvent:
    public: dict[str, Field] = {
        "voiding": declaration.voiding,
        "signer": declaration.person,
        "signed": declaration.intent.digest.hex(),
    }
    return AuditEvent(EventKind.VOID_DECLARED, at, declaration.person, declaration.contract, public)
