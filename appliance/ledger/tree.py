"""The Merkle tree of the log over stored hashes of complete subtrees, and its tiles (C2SP ``tlog-tiles``).

:mod:`hsm.merkle` has the arithmetic. Tiles never change, and everybody can build every proof from them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.errors import LedgerDamaged, NotFound
from appliance.store import ledger
from appliance.store.database import Database, Transaction
from appliance.store.ledger import StoredCheckpoint
from hsm.merkle import frontier, leaf_hash, node_hash, range_hash
from hsm.note import LogExtension


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
        return size_after(ledger.last_subtree(self._tx))

    def root(self, size: int) -> bytes:
        """The root (32 bytes) over the first *size* leaves. Raises :class:`LedgerDamaged`."""
        return self.hash_of(0, size)

    def hash_of(self, start: int, end: int) -> bytes:
        """The hash over the leaves [start, end) of a range of the tree. Raises :class:`LedgerDamaged`."""
        return range_hash(start, end, self.subtree)

    def subtree(self, start: int, end: int) -> bytes:
        """The hash of a complete subtree. Raises :class:`LedgerDamaged` when it is missing."""
        found = ledger.subtree(self._tx, subtree_number(start, end))
        if found is None:
            raise LedgerDamaged("The hash over the entries {start} to {end} is missing.", start=start, end=end - 1)
        return found

    def extension(self, start: int, end: int) -> LogExtension:
        """What the leaves [start, end) add to the tree of *start* leaves. Raises :class:`LedgerDamaged`."""
        first = hashes_of(start)
        hashes = ledger.subtree_hashes(self._tx, first, hashes_of(end))
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


TILE_WIDTH = 256
_LEVEL_BITS = 8
_PATH = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile: ``level`` (None for one of entries), ``index``, and ``width``, 1 to 256 hashes or entries."""

    level: int | None
    index: int
    width: int

    @classmethod
    def parse(cls, path: str) -> TileName:
        """The tile with the *path* below ``tile/``, in its one form. Raises :class:`NotFound`."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise NotFound("There is no tile {path}; see C2SP tlog-tiles for the form of its name.", path=path)
        level = None if match[1] == "entries" else int(match[1])
        name = cls(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or TILE_WIDTH))
        if name.path() != path:
            raise NotFound("There is no tile {path}; see C2SP tlog-tiles for the form of its name.", path=path)
        return name

    def path(self) -> str:
        """The path below ``tile/``."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"{'entries' if self.level is None else self.level}/{'/'.join(groups)}{partial}"


class Tiles:
    """Tiles of the published log. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tile(self, name: TileName) -> bytes:
        """The tile's bytes. Raises :class:`NotFound` when the newest checkpoint does not reach so far."""
        first, end = name.index * TILE_WIDTH, name.index * TILE_WIDTH + name.width
        with self._database.reading() as tx:
            _require_reached(name, end, ledger.last_checkpoint(tx))
            if name.level is None:
                return b"".join(len(leaf).to_bytes(2) + leaf for leaf in ledger.leaves(tx, first, end))
            tree, height = StoredTree(tx), name.level * _LEVEL_BITS
            return b"".join(tree.subtree(each << height, (each + 1) << height) for each in range(first, end))


def _require_reached(name: TileName, end: int, checkpoint: StoredCheckpoint | None) -> None:
    size = 0 if checkpoint is None else checkpoint.size
    if end > size >> _LEVEL_BITS * (name.level or 0):
        raise NotFound("The log of size {size} has no tile {path} yet.", size=size, path=name.path())
