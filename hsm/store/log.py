"""What only moves forward: every state of the log that was signed, and the lease on time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from hsm.rows import RowMapper, fields_of
from hsm.store.database import AuthorityDatabase


@dataclass(frozen=True, slots=True)
class RememberedCheckpoint:
    """A state of the log: number of entries and root hash (32 bytes)."""

    size: int
    root: bytes


_CHECKPOINTS = RowMapper(RememberedCheckpoint)


class CheckpointStore:
    """The memory of :class:`hsm.operations.services.CheckpointWitness`; it grows only, and remembering is
    durable."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def exclusive_transaction(self) -> AbstractContextManager[None]:
        """Nobody else remembers anything while this is entered; what was remembered is on disk when it is left."""
        return self._database.transaction()

    def last(self) -> RememberedCheckpoint | None:
        """The largest state, or None before the first."""
        query = "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1"
        return _CHECKPOINTS.first(self._database.rows(query))

    def remember(self, checkpoint: RememberedCheckpoint) -> None:
        """Adds a state that extends the last, or is the last."""
        with self._database.transaction():
            self._database.insert("checkpoints", "ON CONFLICT DO NOTHING", **fields_of(checkpoint, "size root"))

    def has(self, checkpoint: RememberedCheckpoint) -> bool:
        """Whether exactly this state was signed."""
        query = "SELECT 1 FROM checkpoints WHERE size = ? AND root = ?"
        return self._database.value(int, query, (checkpoint.size, checkpoint.root)) is not None


class TimeLease:
    """One number for all workers: microseconds since 1970 (UTC) up to which timestamps may have been given."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def lease(self) -> int:
        """The end of the lease; 0 before the first."""
        return self._database.value(int, "SELECT until FROM time_lease WHERE one = 1") or 0

    def extend_lease(self, until: int) -> None:
        """Moves the end to *until*, on disk on return; never back."""
        with self._database.transaction():
            self._database.run("UPDATE time_lease SET until = ? WHERE one = 1 AND until < ?", (until, until))
