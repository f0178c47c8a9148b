"""The Merkle tree of the log over stored hashes of complete subtrees; :mod:`hsm.merkle` has the arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import LedgerDamaged
from appliance.store import ledger as store
from appliance.store.database import Transaction
from hsm.checkpoint import LogExtension
from hsm.merkle import frontier, leaf_hash, node_hash, range_hash


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

    def extension(self, start: int, end: int) -> LogExtension:
        """What the leaves [start, end) add to the tree of *start* leaves. Raises :class:`LedgerDamaged`."""
        first = hashes_of(start)
        hashes = store.subtree_hashes(self._tx, first, hashes_of(end))
        if len(hashes) != hashes_of(end) - first:
            raise LedgerDamaged("Entries between {start} and {end} are missing.", start=start, end=end)
        return LogExtension(
            start=start,
            frontier=[self.subtree(*each) for each in frontier(0, start)],
            leaves=[hashes[hashes_of(each) - first] for each in range(start, end)],
            root=self.root(end),
        )


class Edge:
    """The right edge of a tree of *size* leaves: the complete subtrees that wait for a right neighbour."""

    def __init__(self, tree: StoredTree, size: int) -> None:
        widths = (1 << bit for bit in range(size.bit_length()) if size >> bit & 1)
        self._waiting = {width: tree.subtree(*_last_of(size, width)) for width in widths}

    def add(self, current: bytes, width: int = 1) -> list[bytes]:
        """Puts a complete subtree at the end; its hash and those that it completes, lowest first."""
        completed = [current]
        while width in self._waiting:
            current = node_hash(self._waiting.pop(width), current)
            completed.append(current)
            width *= 2
        self._waiting[width] = current
        return completed


def grown(tree: StoredTree, size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that *leaves* complete in a tree of *size*, in order; the first has number hashes_of(size)."""
    edge = Edge(tree, size)
    return [each for leaf in leaves for each in edge.add(leaf_hash(leaf))]


def _last_of(size: int, width: int) -> tuple[int, int]:
    """The complete subtree of *width*, a bit that is set in *size*, at the right edge."""
    end = size - size % width
    return end - width, end
