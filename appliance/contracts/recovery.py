"""Recovery: a signature under way when a process ended is completed or abandoned, never made again.

What is stuck all the same is listed with its step and cause (:class:`StuckContracts`). Trying again never makes a
second signature: what the authority may have signed and nobody received is abandoned; what is on disk is completed
from there; of finalisation and archive renewal only the commit counts (docs/signing-cycle.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.contracts.endings import Endings
from appliance.contracts.finalisation import Finalisation
from appliance.contracts.signing import SigningCycle
from appliance.errors import NotFound, StateRefused
from appliance.model.administration import Stuck, StuckStep
from appliance.model.intent import IntentRecord, IntentState
from appliance.store import archive_renewals, contracts, intents
from appliance.store.database import Transaction
from hsm.errors import RefusalError

INTERRUPTED = "the process ended while the authority was asked; a signature, if one was made, was never released"
EXPIRED = "the time to activate it was over"

LEASE_TIMEOUT = timedelta(minutes=2)
"""After this long at one intent its process has given up, though it lives: every call in the cycle ends sooner."""


Cause = tuple[str, Mapping[str, str | int]]
"""Why something could not be closed: a sentence of the catalogue, and its values."""


@dataclass(slots=True)
class Recovered:
    """The result of a run, as ids; ``pending`` waits for something that does not answer now, with the reason."""

    completed: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    finalised: list[str] = field(default_factory=list)


class Recovery:
    """Run at every start and each few seconds by the scheduler; any number may run at once."""

    def __init__(
        self, records: ContractRecords, backend: SigningBackend, cycle: SigningCycle, finalisation: Finalisation
    ) -> None:
        self._records = records
        self._backend = backend
        self._cycle = cycle
        self._finalisation = finalisation
        self._causes: dict[str, Cause] = {}

    @property
    def causes(self) -> Mapping[str, Cause]:
        """Why the last try failed, by the id of an intent or a contract, in this process."""
        return self._causes

    def retry(self, contract_id: str) -> Cause | None:
        """As :meth:`run`, for the interrupted steps of one contract. Returns the cause if that still fails."""
        recovered = Recovered()
        with self._records.database.reading() as tx:
            under_way = [record for record in intents.under_way(tx) if record.intent.contract == contract_id]
        for record in under_way:
            if self._is_left(record):
                self._close(record, recovered)
        if contract_id in self._finalisation.contracts_waiting():
            self._finalise(contract_id, recovered)
        return next((self._causes[each] for each in recovered.pending), None)

    def run(self) -> Recovered:
        """Close what no process works on any more.

        1. ``signing`` and no process works on it: abandoned. The authority has used up the nonce or never saw it;
           either way no signature for this intent can come any more, and none was received.
        2. ``signed`` or ``stamped`` and no process works on it: completed from the CMS that is on disk.
        3. ``prepared`` and expired: abandoned.
        4. everybody has signed and nobody finalised it: finalised.
        """
        recovered = Recovered()
        under_way = self._records.database.query(intents.under_way)
        for record in under_way:
            if self._is_left(record):
                self._close(record, recovered)
        now = self._records.now()
        with self._records.database.transaction() as tx:
            intents.abandon_expired(tx, now, EXPIRED)
            intents.forget_expired_agreements(tx, now)
        for contract_id in self._finalisation.contracts_waiting():
            self._finalise(contract_id, recovered)
        self._causes = {each: cause for each, cause in self._causes.items() if each in recovered.pending}
        return recovered

    def _is_left(self, record: IntentRecord) -> bool:
        patient = record.claimed is not None and self._records.now() < record.claimed + LEASE_TIMEOUT
        return not (patient and self._backend.leases.is_held(record.lease_owner))

    def _close(self, record: IntentRecord, recovered: Recovered) -> None:
        if record.state is IntentState.SIGNING:
            with self._records.database.transaction() as tx:
                if intents.abandon(tx, record.id, INTERRUPTED):
                    recovered.abandoned.append(record.id)
            return
        try:
            self._cycle.complete(record.id)
            recovered.completed.append(record.id)
        except RefusalError as error:
            state = self._records.database.query(intents.load_intent, record.id).state
            if state is IntentState.ABANDONED:
                recovered.abandoned.append(record.id)
            else:
                recovered.pending[record.id] = str(error)
                self._causes[record.id] = _cause(error)

    def _finalise(self, contract_id: str, recovered: Recovered) -> None:
        try:
            self._finalisation.finalise(contract_id)
            recovered.finalised.append(contract_id)
        except RefusalError as error:
            recovered.pending[contract_id] = str(error)
            self._causes[contract_id] = _cause(error)


def _cause(error: RefusalError) -> Cause:
    return error.template, error.plain_values()


UNDER_WAY = timedelta(minutes=3)
"""Longer than recovery waits before it closes what no process works on any more (:data:`LEASE_TIMEOUT`)."""

FINALISATION_LATE_AFTER = timedelta(minutes=1)
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
    """Lists them, and tries again. Thread-safe."""

    def __init__(
        self, records: ContractRecords, recovery: Recovery, endings: Endings, renew: Callable[[str], object]
    ) -> None:
        """*renew* puts a fresh archive timestamp over a completed contract."""
        self._records = records
        self._recovery = recovery
        self._endings = endings
        self._renew = renew

    def all(self) -> list[Stuck]:
        """Everything that is stuck, the oldest first."""
        now = self._records.now()
        with self._records.database.reading() as tx:
            found = [*self._under_way(tx, now), *self._unsealed(tx, now), *self._overdue(tx, now), *_unkept(tx)]
        return sorted(found, key=lambda each: (each.since or _LAST, each.contract, each.step))

    def retry(self, contract_id: str) -> None:
        """Retries the contract, at whatever step it is stuck. Raises :class:`NotFound` for one that is not stuck,
        and the cause while it still fails."""
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
            signed = contracts.load_contract(tx, contract_id).current.at
            if signed + FINALISATION_LATE_AFTER <= now:
                cause = self._recovery.causes.get(contract_id, _UNTRIED)
                yield Stuck(contract_id, StuckStep.FINALISATION, signed, *cause)

    def _overdue(self, tx: Transaction, now: datetime) -> Iterator[Stuck]:
        for contract_id in self._endings.overdue(tx, now - OVERDUE):
            deadline = contracts.load_contract(tx, contract_id).deadline
            yield Stuck(contract_id, StuckStep.EXPIRING, deadline.at if deadline else None, *_UNTRIED)


def _unkept(tx: Transaction) -> Iterator[Stuck]:
    for contract_id, reason in archive_renewals.failed(tx, limit=MOST_STUCK):
        yield Stuck(contract_id, StuckStep.ARCHIVE_RENEWAL, None, "{why}", {"why": reason})
