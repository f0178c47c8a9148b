"""The log's entries and the openings of their commitments, in the database."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import NotFound
from appliance.store.database import Transaction


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


def erase_opening(tx: Transaction, number: int) -> bool:
    """Erases the private fields of an entry for good; False when there were none. The tree stays as it is."""
    return bool(tx.execute("DELETE FROM openings WHERE entry = ?", (number,)).rowcount)


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
