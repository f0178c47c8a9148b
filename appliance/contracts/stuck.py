"""Contracts that are stuck: at which step, since when, why; and the one thing that is safe to do about each.

Trying again never makes a second signature: what the authority may have signed and nobody received is
abandoned, what is on disk is completed from there, sealing off and renewing count by their commit alone
(docs/signing-cycle.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from appliance.contracts.endings import Endings
from appliance.contracts.recovery import Cause, Recovery
from appliance.contracts.room import SigningRoom
from appliance.errors import NotFound, StateRefused
from appliance.model.intent import IntentState
from appliance.model.stuck import Stuck, StuckStep
from appliance.store import contracts, intents, keeping
from appliance.store.database import Transaction

UNDER_WAY = timedelta(minutes=3)
"""Recovery closes what nobody is at within two minutes."""

UNSEALED = timedelta(minutes=1)
OVERDUE = timedelta(minutes=1)
MOST_STUCK = 200
"""Of each step."""

_STEPS: Final = {
    IntentState.SIGNING: StuckStep.SIGNING,
    IntentState.SIGNED: StuckStep.STAMPING,
    IntentState.STAMPED: StuckStep.COMPLETING,
}
_UNTRIED: Final[Cause] = ("Nothing has tried it yet: see that the scheduler runs.", {})
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class StuckContracts:
    """Looks, and tries again. Thread-safe."""

    def __init__(
        self, room: SigningRoom, recovery: Recovery, endings: Endings, renew: Callable[[str], object]
    ) -> None:
        """*renew* puts a fresh archive timestamp over a completed contract."""
        self._room = room
        self._recovery = recovery
        self._endings = endings
        self._renew = renew

    def all(self) -> list[Stuck]:
        """Everything that stands still, the oldest first."""
        now = self._room.now()
        with self._room.database.reading() as tx:
            found = [*self._under_way(tx, now), *self._unsealed(tx, now), *self._overdue(tx, now), *_unkept(tx)]
        return sorted(found, key=lambda each: (each.since or _LAST, each.contract, each.step))

    def retry(self, contract_id: str) -> None:
        """Does what is safe for the contract, at whatever steps it is stuck.

        Raises :class:`NotFound` for one that is not stuck, and what stands in the way while it still does.
        """
        steps = [each.step for each in self.all() if each.contract == contract_id]
        if not steps:
            raise NotFound("Contract {contract} is not stuck.", contract=contract_id)
        if StuckStep.EXPIRING in steps:
            self._endings.expire()
        if StuckStep.ARCHIVE_RENEWAL in steps:
            self._renew(contract_id)
        if set(steps) - {StuckStep.EXPIRING, StuckStep.ARCHIVE_RENEWAL}:
            cause = self._recovery.retry(contract_id)
            if cause is not None:
                raise StateRefused(cause[0], **cause[1])

    def _under_way(self, tx: Transaction, now: datetime) -> Iterator[Stuck]:
        for record in intents.under_way(tx):
            if record.claimed is not None and record.claimed + UNDER_WAY <= now:
                cause = self._recovery.causes.get(record.id, _UNTRIED)
                yield Stuck(record.intent.contract, _STEPS[record.state], record.claimed, *cause)

    def _unsealed(self, tx: Transaction, now: datetime) -> Iterator[Stuck]:
        for contract_id in contracts.to_finalise(tx)[:MOST_STUCK]:
            signed = contracts.load(tx, contract_id).current.at
            if signed + UNSEALED <= now:
                cause = self._recovery.causes.get(contract_id, _UNTRIED)
                yield Stuck(contract_id, StuckStep.FINALISATION, signed, *cause)

    def _overdue(self, tx: Transaction, now: datetime) -> Iterator[Stuck]:
        for contract_id in self._endings.overdue(tx, now - OVERDUE):
            deadline = contracts.load(tx, contract_id).deadline
            yield Stuck(contract_id, StuckStep.EXPIRING, deadline.at if deadline else None, *_UNTRIED)


def _unkept(tx: Transaction) -> Iterator[Stuck]:
    for contract_id, reason in keeping.failed(tx, limit=MOST_STUCK):
        yield Stuck(contract_id, StuckStep.ARCHIVE_RENEWAL, None, "{why}", {"why": reason})
