"""The log's entries with the openings of their commitments, and what they belong to: contracts, ceremonies,
timestamps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.errors import NotFound
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.rows import Query, fields_of


def append(tx: Transaction, leaves: Sequence[bytes]) -> int:
    """Adds *leaves* (1 to 65,535 bytes each) at the end of the log; the number of the first one."""
    first = length(tx)
    tx.executemany("INSERT INTO ledger (number, leaf) VALUES (?, ?)", enumerate(leaves, first))
    return first


def keep_opening(tx: Transaction, number: int, fields: bytes) -> None:
    """Keeps the salts and values behind the commitments of an entry."""
    tx.execute("INSERT INTO openings (entry, fields) VALUES (?, ?)", (number, fields))


def opening(tx: Transaction, number: int) -> bytes | None:
    """What :func:`keep_opening` kept; None when there was nothing private, or when it was erased."""
    return tx.value(bytes, "SELECT fields FROM openings WHERE entry = ?", (number,))


def length(tx: Transaction) -> int:
    """How many entries the log has, those without a place in the tree included."""
    return tx.count("SELECT coalesce(max(number), -1) + 1 FROM ledger")


def leaf(tx: Transaction, number: int) -> bytes:
    """The bytes of an entry. Raises :class:`NotFound`."""
    found = tx.value(bytes, "SELECT leaf FROM ledger WHERE number = ?", (number,))
    if found is None:
        raise NotFound("The log has no entry {number}.", number=number)
    return found


def leaves(tx: Transaction, start: int, end: int) -> list[bytes]:
    """The entries from *start* to before *end*, in order; fewer when the log ends earlier."""
    return tx.column(
        bytes, "SELECT leaf FROM ledger WHERE number >= ? AND number < ? ORDER BY number", (start, end)
    )


def append_subtrees(tx: Transaction, hashes: Sequence[bytes], first: int) -> None:
    """Adds *hashes* of complete subtrees, numbered from *first*."""
    tx.executemany("INSERT INTO subtrees (number, hash) VALUES (?, ?)", enumerate(hashes, first))


def subtree(tx: Transaction, number: int) -> bytes | None:
    """The hash of a complete subtree; None when the tree does not have it (yet)."""
    return tx.value(bytes, "SELECT hash FROM subtrees WHERE number = ?", (number,))


def subtree_hashes(tx: Transaction, start: int, end: int) -> list[bytes]:
    """The hashes of the subtrees numbered from *start* to before *end*, in order."""
    return tx.column(
        bytes, "SELECT hash FROM subtrees WHERE number >= ? AND number < ? ORDER BY number", (start, end)
    )


def last_subtree(tx: Transaction) -> int:
    """The largest number of a subtree; -1 in an empty tree."""
    return tx.count("SELECT coalesce(max(number), -1) FROM subtrees")


def ceremonies_in_log(tx: Transaction) -> dict[int, int]:
    """The log's entry of each ceremony that is there, by the ceremony's number."""
    return {int(number): int(entry) for number, entry in tx.execute("SELECT number, entry FROM ceremony_entries")}


def insert_ceremony_entry(tx: Transaction, number: int, entry: int) -> None:
    """The ceremony *number* is the log's *entry*."""
    tx.execute("INSERT INTO ceremony_entries (number, entry) VALUES (?, ?)", (number, entry))


def link_to_contract(tx: Transaction, contract_id: str, entry: int) -> None:
    tx.execute("INSERT INTO contract_events (contract, entry) VALUES (?, ?)", (contract_id, entry))


def last_leaf_of(tx: Transaction, contract_id: str) -> bytes | None:
    """The leaf of the contract's newest entry; None before the first."""
    return tx.value(
        bytes,
        "SELECT l.leaf FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
        " WHERE e.contract = ? ORDER BY e.entry DESC LIMIT 1",
        (contract_id,),
    )


def entries_of(tx: Transaction, contract_id: str) -> tuple[int, ...]:
    """The entries of the contract's history, in order."""
    query = "SELECT entry FROM contract_events WHERE contract = ? ORDER BY entry"
    return tuple(tx.column(int, query, (contract_id,)))


def history_of(tx: Transaction, contract_id: str) -> list[tuple[int, bytes, bytes | None]]:
    """The contract's history: number, leaf, and the opening of the leaf's commitments (None without or erased)."""
    found: list[tuple[int, bytes, bytes | None]] = tx.execute(
        "SELECT e.entry, l.leaf, o.fields FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
        " LEFT JOIN openings AS o ON o.entry = e.entry WHERE e.contract = ? ORDER BY e.entry",
        (contract_id,),
    ).fetchall()
    return found


def register_timestamps(tx: Transaction, serials: Sequence[int], first_entry: int) -> None:
    """Keeps *serials* (at most 160 bits), whose entries in the log are numbered from *first_entry*.

    Raises ``IntegrityError`` when one of them was issued before.
    """
    rows = ((serial.to_bytes(20), entry) for entry, serial in enumerate(serials, first_entry))
    tx.executemany("INSERT INTO timestamps (serial, entry) VALUES (?, ?)", rows)


def feed_position(tx: Transaction, file: str) -> int:
    """Up to which byte the *file* of the timestamp service's spool is in the log; 0 for a new one."""
    return tx.value(int, "SELECT position FROM timestamp_feeds WHERE file = ?", (file,)) or 0


def advance_feed(tx: Transaction, file: str, position: int) -> None:
    """*file* is in the log up to the byte *position*, which is further than before."""
    tx.save("timestamp_feeds", {"file": file, "position": position}, key="file")


def unplaced_since(tx: Transaction, size: int, before: datetime) -> int:
    """How many entries follow the log's first *size*, which have their place, when the first of them is from
    *before* that moment; else 0."""
    unplaced = length(tx) - size
    return unplaced if unplaced > 0 and json.loads(leaf(tx, size))["at"] < instant(before) else 0


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed state of the log: its size, root hash (32 bytes) and ``note`` (C2SP tlog-checkpoint, as signed).

    ``token`` (DER) is the timestamp over the note's bytes, and ``stamp`` the number of its own entry in the log.
    ``cosignatures`` are the signature lines of outside witnesses.
    """

    size: int
    root: bytes
    note: bytes
    token: bytes
    stamp: int
    cosignatures: str = ""

    @property
    def cosigned_note(self) -> bytes:
        """The note with the lines of the witnesses behind the log's own: what everybody is shown. The token is
        over :attr:`note`, its beginning."""
        return self.note + self.cosignatures.encode()


_CHECKPOINTS = Query(
    StoredCheckpoint,
    "SELECT size, root, note, token, stamp, coalesce((SELECT group_concat(line, '') FROM"
    " (SELECT line FROM cosignatures WHERE size = checkpoints.size ORDER BY number)), '') AS cosignatures"
    " FROM checkpoints",
)


def insert_checkpoint(tx: Transaction, checkpoint: StoredCheckpoint) -> None:
    """Adds a checkpoint; there is one for a size."""
    tx.insert("checkpoints", fields_of(checkpoint, "size root note token stamp"))


def last_checkpoint(tx: Transaction) -> StoredCheckpoint | None:
    """The newest checkpoint; None before the first."""
    return _CHECKPOINTS.first(tx, "ORDER BY size DESC LIMIT 1")


def checkpoint_of_size(tx: Transaction, size: int) -> StoredCheckpoint | None:
    """The checkpoint over exactly *size* entries, if one was made."""
    return _CHECKPOINTS.first(tx, "WHERE size = ?", (size,))


def checkpoint_made_after(tx: Transaction, size: int) -> datetime | None:
    """When the smallest checkpoint of more than *size* entries was made; None when there is none."""
    stamp = tx.value(int, "SELECT stamp FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1", (size,))
    return None if stamp is None else datetime.fromisoformat(json.loads(leaf(tx, stamp))["at"])


def newest_checkpoints(tx: Transaction, *, limit: int, before: int | None = None) -> list[StoredCheckpoint]:
    """The newest checkpoints, the largest first, at most *limit*; smaller than *before*, where that is given."""
    values = (2**62 if before is None else before, limit)
    return _CHECKPOINTS.all(tx, "WHERE size < ? ORDER BY size DESC LIMIT ?", values)


def checkpoints_after(tx: Transaction, size: int) -> Iterator[StoredCheckpoint]:
    """The checkpoints larger than *size*, smallest first."""
    rows = tx.execute(
        "SELECT size, root, note, token, stamp FROM checkpoints WHERE size > ? ORDER BY size", (size,)
    )
    yield from (StoredCheckpoint(*row) for row in rows)
