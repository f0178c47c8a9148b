"""Recovery: a signature under way when a process ended is completed or abandoned, never made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from appliance.contracts.cycle import SigningCycle
from appliance.contracts.room import SigningRoom
from appliance.contracts.sealing import Finalisation
from appliance.errors import ApplianceError
from appliance.model.intent import IntentRecord, IntentState
from appliance.store import agreements, intents
from hsm.errors import AuthorityError

INTERRUPTED = "the process ended while the authority was asked; a signature, if one was made, was never released"
EXPIRED = "the time to activate it was over"

PATIENCE = timedelta(minutes=2)
"""After this long at one intent its process has given up, though it lives: every call in the cycle ends sooner."""


Cause = tuple[str, Mapping[str, str | int]]
"""Why something could not be closed: a sentence of the catalogue, and its values."""


@dataclass(slots=True)
class Recovered:
    """What a run did, as ids; ``pending`` waits for something that does not answer now, with the reason."""

    completed: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    finalised: list[str] = field(default_factory=list)


class Recovery:
    """Run at every start and each few seconds by the scheduler; any number may run at once."""

    def __init__(self, room: SigningRoom, cycle: SigningCycle, sealing: Finalisation) -> None:
        self._room = room
        self._cycle = cycle
        self._finalisation = sealing
        self._causes: dict[str, Cause] = {}

    @property
    def causes(self) -> Mapping[str, Cause]:
        """What stood in the way of the last try, by the id of an intent or a contract, in this process."""
        return self._causes

    def retry(self, contract_id: str) -> Cause | None:
        """Closes, of one contract, what nobody is at, as :meth:`run` does; the cause if something still stands in
        the way."""
        recovered = Recovered()
        with self._room.database.reading() as tx:
            under_way = [record for record in intents.under_way(tx) if record.intent.contract == contract_id]
        for record in under_way:
            if self._is_left(record):
                self._close(record, recovered)
        if contract_id in self._finalisation.contracts_waiting():
            self._finalise(contract_id, recovered)
        return next((self._causes[each] for each in recovered.pending), None)

    def run(self) -> Recovered:
        """Close what nobody works at any more.

        1. ``signing`` and nobody is at it: abandoned. The authority has used up the nonce or never saw it; either
           way no signature for this intent can come any more, and none was received.
        2. ``signed`` or ``stamped`` and nobody is at it: the CMS is on disk, so it is completed from there.
        3. ``prepared`` and expired: abandoned.
        4. everybody has signed and nobody sealed off: sealed off.
        """
        recovered = Recovered()
        with self._room.database.reading() as tx:
            under_way = intents.under_way(tx)
        for record in under_way:
            if self._is_left(record):
                self._close(record, recovered)
        now = self._room.now()
        with self._room.database.transaction() as tx:
            intents.abandon_expired(tx, now, EXPIRED)
            agreements.forget_expired(tx, now)
        for contract_id in self._finalisation.contracts_waiting():
            self._finalise(contract_id, recovered)
        self._causes = {each: cause for each, cause in self._causes.items() if each in recovered.pending}
        return recovered

    def _is_left(self, record: IntentRecord) -> bool:
        patient = record.claimed is not None and self._room.now() < record.claimed + PATIENCE
        return not (patient and self._room.leases.is_held(record.lease_owner))

    def _close(self, record: IntentRecord, recovered: Recovered) -> None:
        if record.state is IntentState.SIGNING:
            with self._room.database.transaction() as tx:
                if intents.abandon(tx, record.id, INTERRUPTED):
                    recovered.abandoned.append(record.id)
            return
        try:
            self._cycle.complete(record.id)
            recovered.completed.append(record.id)
        except (ApplianceError, AuthorityError) as error:
            with self._room.database.reading() as tx:
                state = intents.load(tx, record.id).state
            if state is IntentState.ABANDONED:
                recovered.abandoned.append(record.id)
            else:
                recovered.pending[record.id] = str(error)
                self._causes[record.id] = _cause(error)

    def _finalise(self, contract_id: str, recovered: Recovered) -> None:
        try:
            self._finalisation.finalise(contract_id)
            recovered.finalised.append(contract_id)
        except (ApplianceError, AuthorityError) as error:
            recovered.pending[contract_id] = str(error)
            self._causes[contract_id] = _cause(error)


def _cause(error: ApplianceError | AuthorityError) -> Cause:
    values = {name: value if isinstance(value, int) else str(value) for name, value in error.values.items()}
    return error.template, values
