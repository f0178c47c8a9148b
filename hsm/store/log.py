"""What outlives a restart of the authority: states of the log that were signed, the lease on time (both only move
forward), and the latch on the HSM's PIN.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from hsm.operation_types import SignedCheckpoint
from hsm.rows import Query, fields_of
from hsm.store.database import AuthorityTables

LAST_CHECKPOINT = Query(SignedCheckpoint, "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
"""The largest state that was signed."""


class CheckpointStore(AuthorityTables):
    """The memory of :class:`hsm.operations.services.CheckpointWitness`; it grows only, and remembering is
    durable."""

    def exclusive_transaction(self) -> AbstractContextManager[None]:
        """Nobody else remembers anything while this is entered; what was remembered is on disk when it is left."""
        return self._database.transaction()

    def last(self) -> SignedCheckpoint | None:
        """The largest state, or None before the first."""
        return LAST_CHECKPOINT.first(self._database)

    def remember(self, checkpoint: SignedCheckpoint) -> None:
        """Adds a state that extends the last, or is the last."""
        with self._database.transaction():
            self._database.insert_if_new("checkpoints", fields_of(checkpoint, "size root"))

    def has(self, checkpoint: SignedCheckpoint) -> bool:
        """Whether exactly this state was signed."""
        query = "SELECT 1 FROM checkpoints WHERE size = ? AND root = ?"
        return self._database.exists(query, (checkpoint.size, checkpoint.root))


class TimeLease(AuthorityTables):
    """One number for all workers: microseconds since 1970 (UTC) up to which timestamps may have been given."""

    def lease(self) -> int:
        """The end of the lease; 0 before the first."""
        return self._database.value(int, "SELECT until FROM time_lease WHERE one = 1") or 0

    def extend_lease(self, until: int) -> None:
        """Moves the end to *until*, on disk on return; never back."""
        with self._database.transaction():
            self._database.change("UPDATE time_lease SET until = ? WHERE one = 1 AND until < ?", (until, until))


class PinLatch(AuthorityTables):
    """One row for each token whose PIN was refused; it outlives restarts."""

    def refusal_of(self, token: str) -> str | None:
        """Why no PIN may be tried on *token* (its label), or None when one may."""
        return self._database.value(str, "SELECT sentence FROM latch WHERE token = ?", (token,))

    def latch(self, token: str, sentence: str, *, at: int) -> None:
        """Forbids further attempts on *token*."""
        with self._database.transaction():
            self._database.insert_if_new("latch", {"token": token, "sentence": sentence, "latched": at})

    def release_all(self) -> list[str]:
        """Permits one attempt again on every token; the labels of those on which none was permitted."""
        with self._database.transaction():
            latched = self._database.column(str, "SELECT token FROM latch ORDER BY token")
            self._database.change("DELETE FROM latch")
        return latched

    def release(self, token: str) -> bool:
        """Permits one attempt again; False when none was forbidden."""
        with self._database.transaction():
            return self._database.change("DELETE FROM latch WHERE token = ?", (token,)) == 1
