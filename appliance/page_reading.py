"""Reading before signing, where policy asks for it: every page is shown, one after the other, for a least time.

That a page was shown is the portal's own observation, as is all that happens before the activation; the history
says how long somebody took. What is signed is shown once more where it is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.api_clients import require_person
from appliance.model.contract import Contract, ContractState
from appliance.policy import Policy
from appliance.policy.rules import ReadingRules
from appliance.store import readings
from appliance.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class ShownPage:
    """The page (from 1) that somebody reads now; they can go on in ``left`` (zero once the least time is over)."""

    contract: Contract
    page: int
    left: timedelta


class Reading:
    """Thread-safe."""

    def __init__(self, database: Database, policy: Policy, now: Callable[[], datetime]) -> None:
        self._database = database
        self._policy = policy
        self._now = now

    def rules(self, contract: Contract) -> ReadingRules:
        """What policy asks of readers of *contract*."""
        return self._policy.rules_for(contract.kind).reading

    def is_asked(self, contract: Contract, person: str) -> bool:
        """Whether *person* has still to read *contract* before signing it."""
        if contract.state is not ContractState.SENT or not self.rules(contract).every_page:
            return False
        return self._database.query(readings.pages_read, contract.id, person) < contract.pages

    def show_next(self, contract_id: str, *, by: str) -> ShownPage | None:
        """The next page for *by*, whose time begins now; None when all are read, or nothing is asked of them.

        Pages come one after the other, so that no two are read at once. Raises as :func:`admit`.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract = self._admitted(tx, contract_id, by, now)
            page = readings.pages_read(tx, contract_id, by) + 1
            if page > contract.pages or not self.rules(contract).every_page:
                return None
            since = readings.show_page(tx, contract_id, by, page, now)
        return ShownPage(contract, page, self._left(contract, since, now))

    def finish_page(self, contract_id: str, page: int, *, by: str) -> None:
        """*by* has read the *page* and goes on; after the last one the history says so.

        Raises :class:`PreconditionRefused` before the least time is over, :class:`NotFound` for a page that was
        not shown; once more for a page that was read already changes nothing. Else as :func:`admit`.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract = self._admitted(tx, contract_id, by, now)
            read = readings.pages_read(tx, contract_id, by)
            if page <= read:
                return
            since = readings.shown_since(tx, contract_id, by, page)
            if page != read + 1 or since is None:
                raise NotFound("Read the pages in their order.")
            left = self._left(contract, since, now)
            if left:
                raise PreconditionRefused(
                    "Take your time: this page can be left in {seconds} s.",
                    seconds=-(-left // timedelta(seconds=1)),
                )
            readings.finish_page(tx, contract_id, by, page, now)
            if page == contract.pages:
                began = readings.reading_began(tx, contract_id, by) or now
                public = {"pages": contract.pages, "seconds": int((now - began).total_seconds())}
                append_event(tx, AuditEvent(EventKind.DOCUMENT_READ, now, by, contract_id, public))

    def _admitted(self, tx: Transaction, contract_id: str, by: str, now: datetime) -> Contract:
        """Raises :class:`StateRefused` for whoever does not act for a party of a contract that can be signed."""
        require_person()
        contract = admit(tx, Command(contract_id, Permission.READ, by, now))
        if contract.state is not ContractState.SENT or by not in contract.signatories:
            raise StateRefused("You have nothing to sign here any more.")
        return contract

    def _left(self, contract: Contract, since: datetime, now: datetime) -> timedelta:
        return max(timedelta(), since + timedelta(seconds=self.rules(contract).seconds) - now)
