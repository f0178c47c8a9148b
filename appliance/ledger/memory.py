"""The log against the authority's memory: a log that was cut, rewritten or restored from before is refused."""

from __future__ import annotations

from appliance.errors import LedgerDamaged
from appliance.ledger.tree import StoredTree
from appliance.store import checkpoints
from appliance.store import ledger as store
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient
from hsm.errors import ConsistencyRefused
from hsm.merkle import inclusion_ranges, leaf_hash, root_from_inclusion
from hsm.status import AuthorityStatus, SignedCheckpoint


def require_remembered(database: Database, authority: AuthorityClient) -> AuthorityStatus:
    """The authority's status, if the log holds, unchanged, all that it signed; for every start, O(log n).

    Raises :class:`LedgerDamaged`, or the authority's errors. What was published is read before the authority is
    asked, and the tree afterwards: so a sequencer that runs meanwhile makes no difference.
    """
    with database.reading() as tx:
        published = checkpoints.last(tx)
    status = authority.status()
    with database.reading() as tx:
        _require_extends(tx, status.checkpoint, published.size if published else 0)
    return status


def require_extends(database: Database, signed: SignedCheckpoint | None) -> None:
    """The same for a log that rests, such as a backup's: it holds what was *signed*. Raises LedgerDamaged."""
    with database.reading() as tx:
        published = checkpoints.last(tx)
        _require_extends(tx, signed, published.size if published else 0)


def _require_extends(tx: Transaction, signed: SignedCheckpoint | None, published: int) -> None:
    """The comparison; *signed* is what the authority remembers, *published* the size of the newest checkpoint.


    1. nothing that was published is unknown to the authority;
    2. the log is not shorter than what it signed;
    3. the root over that many entries is the one that it signed;
    4. the last entry's own bytes lead to the root through the hashes at the tree's right edge (the frontier).
    """
    tree = StoredTree(tx)
    size, remembered = tree.size(), signed.size if signed else 0
    if published > remembered:
        raise LedgerDamaged(
            "The log has a checkpoint of size {size}, the authority remembers {remembered}: its store"
            " is older than the log. Restore the one that belongs to it.",
            size=published,
            remembered=remembered,
        )
    if size < remembered:
        raise LedgerDamaged(
            "The log has the size {size}, the authority signed {remembered}: the log is older"
            " than the authority's memory. Restore a newer backup of the database.",
            size=size,
            remembered=remembered,
        )
    if signed is not None and tree.root(signed.size) != signed.root:
        raise LedgerDamaged(
            "The log up to the size {size} is not the one that the authority signed; this is not its log.",
            size=signed.size,
        )
    if size:
        _require_frontier(tx, tree, size)


def _require_frontier(tx: Transaction, tree: StoredTree, size: int) -> None:
    path = [tree.hash_of(*each) for each in inclusion_ranges(size - 1, size)]
    leaf = leaf_hash(store.leaf(tx, size - 1))
    try:
        agrees = root_from_inclusion(size - 1, size, leaf, path) == tree.root(size)
    except ConsistencyRefused as error:
        raise LedgerDamaged("The log's frontier cannot be recomputed: {why}", why=error) from error
    if not agrees:
        raise LedgerDamaged("The last entry of the log, {index}, is not the one in its tree.", index=size - 1)
