"""The checkpoints that the authority signed, each with the timestamp over it, in the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.store.database import Transaction
from hsm.rows import fields_of


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed state of the log: its size, root hash (32 bytes) and ``note`` (C2SP tlog-checkpoint, as signed).

    ``token`` (DER) is the timestamp over the note's bytes, and ``stamp`` the number of its own entry in the log.
    """

    size: int
    root: bytes
    note: bytes
    token: bytes
    stamp: int


def insert_checkpoint(tx: Transaction, checkpoint: StoredCheckpoint) -> None:
    """Adds a checkpoint; there is one for a size."""
    tx.insert("checkpoints", fields_of(checkpoint, "size root note token stamp"))


def last(tx: Transaction) -> StoredCheckpoint | None:
    """The newest checkpoint; None before the first."""
    row = tx.execute(
        "SELECT size, root, note, token, stamp FROM checkpoints ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return StoredCheckpoint(*row) if row else None


def of_size(tx: Transaction, size: int) -> StoredCheckpoint | None:
    """The checkpoint over exactly *size* entries, if one was made."""
    row = tx.execute("SELECT size, root, note, token, stamp FROM checkpoints WHERE size = ?", (size,)).fetchone()
    return StoredCheckpoint(*row) if row else None


def newest(tx: Transaction, *, limit: int, before: int | None = None) -> list[StoredCheckpoint]:
    """The newest checkpoints, the largest first, at most *limit*; smaller than *before*, where that is given."""
    rows = tx.execute(
        "SELECT size, root, note, token, stamp FROM checkpoints WHERE size < ? ORDER BY size DESC LIMIT ?",
        (2**62 if before is None else before, limit),
    )
    return [StoredCheckpoint(*row) for row in rows]


def all_after(tx: Transaction, size: int) -> Iterator[StoredCheckpoint]:
    """The checkpoints larger than *size*, smallest first."""
    rows = tx.execute(
        "SELECT size, root, note, token, stamp FROM checkpoints WHERE size > ? ORDER BY size", (size,)
    )
    yield from (StoredCheckpoint(*row) for row in rows)
