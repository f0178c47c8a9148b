"""The Merkle tree of the log over stored hashes of complete subtrees; :mod:`hsm.merkle` has the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.errors import LedgerDamaged
from appliance.store import ledger as store
from appliance.store.database import Transaction
from hsm.merkle import leaf_hash, node_hash, range_hash


def subtree_number(start: int, end: int) -> int:
    """The place of the complete subtree over the leaves [start, end) in the order of completion.

    2n - ones(n) hashes are complete before those that end with leaf n = end-1; these come lowest first.
    """
    last = end - 1
    return 2 * last - last.bit_count() + (end - start).bit_length() - 1


def size_after(last_number: int) -> int:
    """The number of leaves of a tree whose newest subtree has *last_number* (-1 when empty).

    Raises :class:`LedgerDamaged` when no tree ends with this number: then hashes are missing.
    """
    size = 0
    for bit in reversed(range((last_number + 2).bit_length())):
        if hashes_of(size + (1 << bit)) <= last_number + 1:
            size += 1 << bit
    if hashes_of(size) != last_number + 1:
        raise LedgerDamaged(
            "The hashes of the log end in the middle of an entry, after number {n}.", n=last_number
        )
    return size


def hashes_of(size: int) -> int:
    """How many complete subtrees a tree of *size* leaves has: fewer than two a leaf."""
    return 2 * size - size.bit_count()


class StoredTree:
    """The tree as one transaction sees it: roots and ranges by look-ups, never by walking the leaves."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def size(self) -> int:
        """The number of leaves that have their place. Raises :class:`LedgerDamaged`."""
        return size_after(store.last_subtree(self._tx))

    def root(self, size: int) -> bytes:
        """The root (32 bytes) over the first *size* leaves. Raises :class:`LedgerDamaged`."""
        return self.hash_of(0, size)

    def hash_of(self, start: int, end: int) -> bytes:
        """The hash over the leaves [start, end) of a range of the tree. Raises :class:`LedgerDamaged`."""
        return range_hash(start, end, self.subtree)

    def subtree(self, start: int, end: int) -> bytes:
        """The hash of a complete subtree. Raises :class:`LedgerDamaged` when it is missing."""
        found = store.subtree(self._tx, subtree_number(start, end))
        if found is None:
            raise LedgerDamaged("The hash over the entries {start} to {end} is missing.", start=start, end=end - 1)
        return found


def grown(tree: StoredTree, size: int, leaves: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Numbers and hashes of the subtrees that *leaves*, from index *size* on, complete; in their order."""
    number = hashes_of(size)
    pending = {1 << bit: tree.subtree(*_left(size, bit)) for bit in range(size.bit_length()) if size >> bit & 1}
    for leaf in leaves:
        current, width = leaf_hash(leaf), 1
        yield number, current
        number += 1
        while width in pending:
            current = node_hash(pending.pop(width), current)
            width *= 2
            yield number, current
            number += 1
        pending[width] = current


def _left(size: int, bit: int) -> tuple[int, int]:
    """The complete subtree of width 2^bit at the right edge of a tree of *size* leaves that has this bit set."""
    end = size >> bit << bit
    return end - (1 << bit), end
