"""What only moves forward: every state of the log that was signed, and the lease on time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from hsm.store.database import AuthorityDatabase


@dataclass(frozen=True, slots=True)
class RememberedCheckpoint:
    """A state of the log: number of entries and root hash (32 bytes)."""

    size: int
    root: bytes


class CheckpointStore:
    """The memory of :class:`hsm.operations.services.CheckpointWitness`; it grows only, and remembering is
    durable."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def holding(self) -> AbstractContextManager[None]:
        """Nobody else remembers anything while this is entered; what was remembered is on disk when it is left."""
        return self._database.transaction()

    def last(self) -> RememberedCheckpoint | None:
        """The largest state, or None before the first."""
        row = self._database.one("SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
        return RememberedCheckpoint(*row) if row else None

    def remember(self, checkpoint: RememberedCheckpoint) -> None:
        """Adds a state that extends the last, or is the last."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO checkpoints (size, root) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (checkpoint.size, checkpoint.root),
            )

    def has(self, checkpoint: RememberedCheckpoint) -> bool:
        """Whether exactly this state was signed."""
        found = self._database.one(
            "SELECT 1 FROM checkpoints WHERE size = ? AND root = ?", (checkpoint.size, checkpoint.root)
        )
        return found is not None


class TimeLease:
    """One number for all workers: microseconds since 1970 (UTC) up to which timestamps may have been given."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def lease(self) -> int:
        """The end of the lease; 0 before the first."""
        row = self._database.one("SELECT until FROM time_lease WHERE one = 1")
        return int(row[0]) if row else 0

    def extend_lease(self, until: int) -> None:
        """Moves the end to *until*, on disk on return; never back."""
        with self._database.transaction():
            self._database.run("UPDATE time_lease SET until = ? WHERE one = 1 AND until < ?", (until, until))
