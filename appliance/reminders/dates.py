"""Dates beyond signing: when the contract takes effect, is to be renewed or ended, and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from appliance.contracts.access import record_change
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import DATES, ContractDate, Occasion
from appliance.store import contracts
from appliance.store.database import Database

OVER = frozenset(
    {
        ContractState.DECLINED,
        ContractState.RECALLED,
        ContractState.EXPIRED,
        ContractState.DISCARDED,
        ContractState.VOIDED,
    }
)
"""What has ended has no dates to come."""

YEARS = 100


class ContractDateService:
    """The initiator keeps them, as a note to be reminded by: what binds is what the signed text says."""

    def __init__(self, database: Database, audit: AuditTrail, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._now = now

    def list_dates(self, contract_id: str) -> tuple[ContractDate, ...]:
        """The dates of a contract, in the order of their days."""
        with self._database.reading() as tx:
            return contracts.dates_of(tx, contract_id)

    def may_change(self, contract: Contract, subject: str) -> bool:
        """Whether *subject* keeps the dates of *contract*."""
        return contract.initiator == subject and contract.state not in OVER

    def change_dates(self, contract_id: str, days: Mapping[Occasion, date | None], *, by: str) -> None:
        """The dates become *days*; None, and what is not named, takes a date away.

        Raises :class:`PreconditionRefused` for anybody but the initiator and for days that cannot follow each
        other, :class:`StateRefused` for a contract that has ended.
        """
        now = self._now()
        _require_order(days, now)
        with self._database.transaction() as tx:
            contract = contracts.load_contract(tx, contract_id)
            if contract.initiator != by:
                raise PreconditionRefused("Only the initiator of “{title}” keeps its dates.", title=contract.title)
            if contract.state in OVER:
                raise StateRefused("“{title}” has ended; there is nothing to remind of.", title=contract.title)
            known = {each.kind: each.day for each in contracts.dates_of(tx, contract_id)}
            wanted = {kind: days.get(kind) for kind in DATES}
            if all(known.get(kind) == day for kind, day in wanted.items()):
                return
            for kind, day in wanted.items():
                if day is None:
                    contracts.remove_date(tx, contract_id, kind)
                elif known.get(kind) != day:
                    contracts.save_date(tx, contract_id, ContractDate(kind, day, by, now))
            private = {kind.value: None if day is None else day.isoformat() for kind, day in wanted.items()}
            event = AuditEvent(EventKind.DATES_CHANGED, now, by, contract_id, {}, private)
            record_change(tx, self._audit, contract, event)


def _require_order(days: Mapping[Occasion, date | None], now: datetime) -> None:
    for day in days.values():
        if day is not None and abs(day.year - now.year) > YEARS:
            raise PreconditionRefused("{day} is more than {years} years away.", day=day.isoformat(), years=YEARS)
    effective, renewal, expiry = (days.get(kind) for kind in DATES)
    if effective is not None and expiry is not None and expiry < effective:
        raise PreconditionRefused("A contract cannot end before it takes effect.")
    if renewal is not None and expiry is not None and expiry < renewal:
        raise PreconditionRefused("A contract cannot be renewed after it has ended.")
