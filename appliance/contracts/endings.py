"""What ends a contract before all have signed (discarded, declined, recalled, expired), and later deadlines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appliance.contracts import permissions, rules
from appliance.contracts.access import Command, admitted
from appliance.contracts.changes import record_change, to_those_who_know
from appliance.contracts.permissions import Permission
from appliance.contracts.rules import require_reason
from appliance.contracts.services import ContractRecords, SigningRules
from appliance.errors import PreconditionRefused
from appliance.language import instants
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractState, Deadline
from appliance.model.notice import NoticeKind
from appliance.model.office import EnrolmentRequestState
from appliance.office.refusing import refuse_decision
from appliance.store import contracts, enrolment, intents, office_acts, parties
from appliance.store.database import Transaction
from hsm.intents import instant


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
            contract = admitted(tx, contract_id, Command(Permission.DISCARD, by, seen), now)
            contracts.move(tx, contract, ContractState.DISCARDED)
            event = AuditEvent(EventKind.CONTRACT_DISCARDED, now, by, contract_id)
            return record_change(tx, self._records.audit, contract, event)

    def decline(
        self, contract_id: str, party_id: str, *, reason: str, by: str, seen: int | None = None
    ) -> Contract:
        """A party whose turn it is will not sign; *by* is who acts for it."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.DECLINE, by, seen, party_id), now)
            parties.mark_declined(tx, contract, rules.party_of(contract, party_id), reason)
            public, private = {"party": party_id}, {"reason": reason}
            event = AuditEvent(EventKind.PARTY_DECLINED, now, by, contract_id, public, private)
            return self._end(tx, contract, ContractState.DECLINED, event)

    def recall(self, contract_id: str, *, by: str, reason: str, seen: int | None = None) -> Contract:
        """The initiator takes the contract back while it waits for signatures."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.RECALL, by, seen), now)
            event = AuditEvent(EventKind.CONTRACT_RECALLED, now, by, contract_id, {}, {"reason": reason})
            return self._end(tx, contract, ContractState.RECALLED, event)

    def expire(self) -> list[str]:
        """End every sent contract whose deadline has come and that nobody can extend any more; their ids."""
        now = self._records.now()
        with self._records.database.reading() as tx:
            due = self.overdue(tx, now)
        for contract_id in due:
            with self._records.database.transaction() as tx:
                contract = contracts.load(tx, contract_id)
                if rules.is_overdue(contract, now - self._grace(contract.kind)):
                    event = AuditEvent(EventKind.CONTRACT_EXPIRED, now, SYSTEM, contract_id)
                    self._end(tx, contract, ContractState.EXPIRED, event)
        return due

    def overdue(self, tx: Transaction, now: datetime) -> list[str]:
        """Ids of contracts that :meth:`expire` would end at *now*."""
        return contracts.overdue(tx, now, grace=self._grace)

    def _grace(self, kind: str) -> timedelta:
        return self._rules.policy.of(kind).reminders.grace

    def _end(self, tx: Transaction, contract: Contract, state: ContractState, event: AuditEvent) -> Contract:
        contracts.move(tx, contract, state)
        intents.abandon_prepared(tx, contract.id, f"the contract is {state.value}")
        close_guest_requests(tx, self._records.audit, contract, event.at)
        self._records.notify(tx, to_those_who_know(contract, NoticeKind(state.value), event.at))
        return record_change(tx, self._records.audit, contract, event)


class Extending:
    """Never to an earlier moment: whoever counts on the deadline must not lose time by it.

    Where policy leaves time after the deadline (``reminders.grace_hours``), a contract can still be extended then.
    """

    def __init__(self, records: ContractRecords, rules: SigningRules) -> None:
        self._records = records
        self._rules = rules

    def extend(self, contract_id: str, deadline: Deadline, *, by: str, seen: int | None = None) -> Contract:
        """The initiator (*by*) gives more time; those who know of the contract are told.

        Raises :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed, or not later.
        """
        now = self._records.now()
        later = replace(deadline, at=deadline.at.replace(microsecond=0))
        instants.zone_of(later.zone)
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.EXTEND, by, seen), now)
            if now >= contract.deadline.at + self._rules.policy.of(contract.kind).reminders.grace:
                raise permissions.too_late(contract).error()
            if later.at <= now:
                raise PreconditionRefused("The new deadline must be in the future.")
            if later.at <= contract.deadline.at:
                raise PreconditionRefused(
                    "The new deadline must be later than {deadline} ({zone}).",
                    deadline=rules.local(contract.deadline),
                    zone=contract.deadline.zone,
                )
            contracts.postpone(tx, contract, later)
            public: dict[str, Field] = {
                "deadline": instant(later.at),
                "zone": later.zone,
                "before": instant(contract.deadline.at),
            }
            event = AuditEvent(EventKind.DEADLINE_EXTENDED, now, by, contract_id, public)
            extended = record_change(tx, self._records.audit, contract, event)
            told = to_those_who_know(extended, NoticeKind.EXTENDED, now)
            self._records.notify(tx, (notice for notice in told if notice.recipient != by))
            return extended


ENDED: Final = "The contract that this person was to sign has ended."
"""Kept with the officers' act, and translated when it is shown."""


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """Why, by whom and when a request ends; the reason is a message id."""

    reason: str
    by: str
    at: datetime


def close_guest_requests(tx: Transaction, audit: AuditTrail, contract: Contract, at: datetime) -> None:
    """Closes the open enrolment requests of guests of *contract* who have no other contract under way, with the
    act by which an officer was about to grant one: nobody can activate it any more."""
    for party in contract.parties:
        if party.guest and not parties.acts_elsewhere(tx, party.subject, contract.id):
            withdraw_guest_request(tx, audit, party.subject, RequestEnding(ENDED, SYSTEM, at))


def withdraw_guest_request(tx: Transaction, audit: AuditTrail, subject: str, ending: RequestEnding) -> None:
    """Closes the open enrolment request of *subject*, if there is one, with the officers' act that waits."""
    request = enrolment.open_request(tx, subject)
    if request is None:
        return
    pending = office_acts.open_for_request(tx, request.id, ending.at)
    if pending is not None:
        refuse_decision(tx, audit, pending, reason=ending.reason, by=ending.by, at=ending.at)
    enrolment.close(tx, request.id, EnrolmentRequestState.WITHDRAWN, at=ending.at, by=ending.by)
    public = {"subject": subject, "request": request.id}
    event = AuditEvent(EventKind.ENROLMENT_WITHDRAWN, ending.at, ending.by, None, public)
    audit.append(tx, event)
