"""Stuck contracts, by number, step and cause: the scheduler looks, the console shows."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.administration.room import AdministrationContext
from appliance.model.stuck import Stuck
from appliance.store.administration import stuck as store


class StuckList:
    """What was found at the last look. Thread-safe."""

    def __init__(self, room: AdministrationContext) -> None:
        self._room = room

    def publish(self, found: Sequence[Stuck]) -> None:
        """*found* in place of what was found before; nothing is written when it is the same."""
        if list(found) != self.all():
            with self._room.database.transaction() as tx:
                store.replace(tx, found)

    def all(self) -> list[Stuck]:
        """Everything, the oldest first; each has one safe act, ``retries.contract``."""
        with self._room.database.reading() as tx:
            return store.everything(tx)
