"""From activations to the signed contract in one call, whoever else is at the same intent or contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from appliance.contracts.cycle import SigningCycle
from appliance.contracts.room import SigningRoom
from appliance.errors import StateRefused
from appliance.model.contract import Contract
from appliance.model.intent import IntentRecord, IntentState
from appliance.store import contracts, intents
from hsm.acts import Activation

PATIENCE = 40
"""How often is looked while somebody else signs, :data:`PAUSE` apart: a signature takes a second or two."""

PAUSE = 0.25
"""Seconds."""


class Finishing:
    """Signs and completes an intent once, however often and by however many it is asked. Thread-safe."""

    def __init__(
        self, room: SigningRoom, cycle: SigningCycle, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._room = room
        self._cycle = cycle
        self._pause = pause

    def finish(self, intent_id: str, activations: Sequence[Activation] = ()) -> Contract:
        """The contract with the intent's signature in it; a second call waits for the first and gets the same.

        While another party's signature is being made this waits, too; once that is there, the intent is stale.
        Raises as :meth:`SigningCycle.sign` and :meth:`SigningCycle.complete`.
        """
        for _ in range(PATIENCE):
            record, contract = self._seen(intent_id)
            if record.state is IntentState.COMPLETED:
                return contract
            if record.state is IntentState.ABANDONED or contract.current.number != record.base:
                raise StateRefused("The document has changed or the time is over; prepare it again.")
            if record.state is IntentState.PREPARED and self._signed(record, activations):
                return self._cycle.complete(intent_id)
            self._pause(PAUSE)
        raise StateRefused("A signature on this contract is being made just now; look at it again in a moment.")

    def _seen(self, intent_id: str) -> tuple[IntentRecord, Contract]:
        with self._room.database.reading() as tx:
            record = intents.load(tx, intent_id)
            return record, contracts.load(tx, record.intent.contract)

    def _signed(self, record: IntentRecord, activations: Sequence[Activation]) -> bool:
        """True when it was signed here; False when somebody else is at it, or at the contract, just now."""
        try:
            self._cycle.sign(record.id, activations)
        except StateRefused:
            with self._room.database.reading() as tx:
                under_way = [each.intent.contract for each in intents.under_way(tx)]
                state = intents.load(tx, record.id).state
            if record.intent.contract in under_way or state is IntentState.COMPLETED:
                return False
            raise
        return True
