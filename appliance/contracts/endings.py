"""What ends a contract before everybody has signed: discarded, declined, recalled, expired."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.contracts import guest_requests, rules
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.announcements import to_those_who_know
from appliance.contracts.changes import record_change
from appliance.contracts.reasons import require_reason
from appliance.contracts.room import SigningRoom
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import NoticeKind
from appliance.store import contracts, intents, parties
from appliance.store.database import Transaction


class Endings:
    """Each ending is one transaction: the state, prepared signatures abandoned, guests' open enrolment requests
    closed, the log entry, the notices.

    ``by`` is who acts (a subject), ``seen`` the version of the contract that was shown. Raises
    :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed, or no reason is given.
    """

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def discard(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The initiator throws a draft away; nobody else has heard of it."""
        now = self._room.now()
        with self._room.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.DISCARD, by, seen), now)
            contracts.move(tx, contract, ContractState.DISCARDED)
            event = AuditEvent(EventKind.CONTRACT_DISCARDED, now, by, contract_id)
            return record_change(tx, self._room.audit, contract, event)

    def decline(
        self, contract_id: str, party_id: str, *, reason: str, by: str, seen: int | None = None
    ) -> Contract:
        """A party whose turn it is will not sign; *by* is who acts for it."""
        now, reason = self._room.now(), require_reason(reason)
        with self._room.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.DECLINE, by, seen, party_id), now)
            parties.mark_declined(tx, contract, rules.party_of(contract, party_id), reason)
            public, private = {"party": party_id}, {"reason": reason}
            event = AuditEvent(EventKind.PARTY_DECLINED, now, by, contract_id, public, private)
            return self._end(tx, contract, ContractState.DECLINED, event)

    def recall(self, contract_id: str, *, by: str, reason: str, seen: int | None = None) -> Contract:
        """The initiator takes the contract back while it waits for signatures."""
        now, reason = self._room.now(), require_reason(reason)
        with self._room.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.RECALL, by, seen), now)
            event = AuditEvent(EventKind.CONTRACT_RECALLED, now, by, contract_id, {}, {"reason": reason})
            return self._end(tx, contract, ContractState.RECALLED, event)

    def expire(self) -> list[str]:
        """End every sent contract whose deadline has come and that nobody can extend any more; their ids."""
        now = self._room.now()
        with self._room.database.reading() as tx:
            due = self.overdue(tx, now)
        for contract_id in due:
            with self._room.database.transaction() as tx:
                contract = contracts.load(tx, contract_id)
                if rules.is_overdue(contract, now - self._grace(contract.kind)):
                    event = AuditEvent(EventKind.CONTRACT_EXPIRED, now, SYSTEM, contract_id)
                    self._end(tx, contract, ContractState.EXPIRED, event)
        return due

    def overdue(self, tx: Transaction, now: datetime) -> list[str]:
        """Ids of contracts that :meth:`expire` would end at *now*."""
        return contracts.overdue(tx, now, grace=self._grace)

    def _grace(self, kind: str) -> timedelta:
        return self._room.policy.of(kind).reminders.grace

    def _end(self, tx: Transaction, contract: Contract, state: ContractState, event: AuditEvent) -> Contract:
        contracts.move(tx, contract, state)
        intents.abandon_prepared(tx, contract.id, f"the contract is {state.value}")
        guest_requests.close_guest_requests(tx, self._room.audit, contract, event.at)
        self._room.notify(tx, to_those_who_know(contract, NoticeKind(state.value), event.at))
        return record_change(tx, self._room.audit, contract, event)
