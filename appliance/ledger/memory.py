"""The log against the authority's memory: a log that was cut, rewritten or restored from before is refused."""

from __future__ import annotations

from appliance.errors import LedgerDamaged
from appliance.ledger.tree import StoredTree
from appliance.store import checkpoints
from appliance.store import ledger as store
from appliance.store.database import Transaction
from hsm.errors import ConsistencyRefused
from hsm.merkle import inclusion_ranges, leaf_hash, root_from_inclusion
from hsm.status import SignedCheckpoint


def require_extends(tx: Transaction, signed: SignedCheckpoint | None) -> None:
    """Raises :class:`LedgerDamaged` unless the log contains, unchanged, what the authority *signed* last.

    Reads O(log n) rows.

    1. nothing that was published is unknown to the authority;
    2. the log is not shorter than what it signed;
    3. the root over that many entries is the one that it signed;
    4. the last entry's own bytes lead to the root through the hashes at the tree's right edge (the frontier).
    """
    tree = StoredTree(tx)
    size, published = tree.size(), checkpoints.last(tx)
    remembered = signed.size if signed else 0
    if published is not None and published.size > remembered:
        raise LedgerDamaged(
            "The log has a checkpoint of {size} entries, the authority remembers {remembered}: its store"
            " is older than the log. Restore the one that belongs to it.",
            size=published.size,
            remembered=remembered,
        )
    if size < remembered:
        raise LedgerDamaged(
            "The log has {size} entries, the authority signed {remembered}: the log is older than the authority's"
            " memory. Restore a newer backup of the database.",
            size=size,
            remembered=remembered,
        )
    if signed is not None and tree.root(signed.size) != signed.root:
        raise LedgerDamaged(
            "The first {size} entries of the log are not those that the authority signed; this is not its log.",
            size=signed.size,
        )
    if size:
        require_frontier(tx, tree, size)


def require_frontier(tx: Transaction, tree: StoredTree, size: int) -> None:
    """Raises :class:`LedgerDamaged` unless the last leaf leads to the root of the tree of *size* leaves."""
    path = [tree.hash_of(*each) for each in inclusion_ranges(size - 1, size)]
    leaf = leaf_hash(store.leaf(tx, size - 1))
    try:
        agrees = root_from_inclusion(size - 1, size, leaf, path) == tree.root(size)
    except ConsistencyRefused as error:
        raise LedgerDamaged("The log's frontier cannot be recomputed: {why}", why=error) from error
    if not agrees:
        raise LedgerDamaged("The last entry of the log, {index}, is not the one in its tree.", index=size - 1)
