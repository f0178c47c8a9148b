"""The full check of the log (every leaf, hash and checkpoint), and its comparison with what the authority signed.

A log that was cut, rewritten or restored from an earlier state is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from appliance.errors import LedgerDamaged
from appliance.ledger.tree import Edge, StoredTree, grown, hashes_of, subtree_number
from appliance.store import ledger
from appliance.store.database import Database, Transaction
from appliance.store.ledger import StoredCheckpoint
from hsm.client import AuthorityClient
from hsm.cms import SignatureRefused
from hsm.errors import CertificateRefused, ConsistencyRefused, Malformed
from hsm.merkle import EMPTY_ROOT, inclusion_ranges, leaf_hash, root_from_inclusion
from hsm.note import NoteKey, NoteRefused, parse_checkpoint, parse_note, verify_checkpoint
from hsm.operation_types import AuthorityStatus, SignedCheckpoint
from hsm.timestamp import verify_token


def require_remembered(database: Database, authority: AuthorityClient) -> AuthorityStatus:
    """The authority's status, if the log holds, unchanged, all that it signed; for every start, O(log n).

    Raises :class:`LedgerDamaged`, or the authority's errors. What was published is read before the authority is
    asked, and the tree afterwards: so a sequencer that runs meanwhile makes no difference.
    """
    published = database.query(ledger.last_checkpoint)
    status = authority.status()
    database.query(_require_extends, status.checkpoint, published.size if published else 0)
    return status


def require_extends(database: Database, signed: SignedCheckpoint | None) -> None:
    """The same for a log that rests, such as a backup's: it holds what was *signed*. Raises LedgerDamaged."""
    with database.reading() as tx:
        published = ledger.last_checkpoint(tx)
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
    leaf = leaf_hash(ledger.leaf(tx, size - 1))
    try:
        agrees = root_from_inclusion(size - 1, size, leaf, path) == tree.root(size)
    except ConsistencyRefused as error:
        raise LedgerDamaged("The log's frontier cannot be recomputed: {why}", why=error) from error
    if not agrees:
        raise LedgerDamaged("The last entry of the log, {index}, is not the one in its tree.", index=size - 1)


HEIGHT = 12
CHUNK = 1 << HEIGHT
"""Leaves that are read and hashed at a time, so that memory stays small and each read is short."""


@dataclass(frozen=True, slots=True)
class LogReport:
    """A log that holds: ``size`` entries under ``root``; ``waiting`` more have no place yet."""

    size: int
    root: bytes
    waiting: int
    checkpoints: int


class LogCheck:
    """The log as a whole. ``authority`` is asked only what it remembers having signed; a resting log needs none.

    With *key*, the log's published one, the signature of every checkpoint is checked too.
    """

    def __init__(
        self, database: Database, authority: AuthorityClient | None, *, key: NoteKey | None = None
    ) -> None:
        self._database = database
        self._authority = authority
        self._key = key

    def check(self) -> LogReport:
        """Walks all of it. Raises :class:`LedgerDamaged`.

        1. every leaf is hashed again, and every stored hash compared, in order, none missing and none added;
        2. every published checkpoint has the root over the entries that it counts, its note says so, and its
           timestamp is over that note;
        3. the log extends what the authority remembers having signed.
        """
        if self._authority is None:
            raise LedgerDamaged("There is no authority to compare the log with.")
        return self._check(partial(require_remembered, self._database, self._authority))

    def check_against(self, signed: SignedCheckpoint | None) -> LogReport:
        """The same for a log that rests, such as a backup's; *signed* is what its authority remembers."""
        return self._check(partial(require_extends, self._database, signed))

    def _check(self, require_remembered: Callable[[], object]) -> LogReport:
        with self._database.reading() as tx:
            size = StoredTree(tx).size()
            waiting = ledger.length(tx) - size
        if waiting < 0:
            raise LedgerDamaged("The tree of the log has more leaves than there are entries, by {n}.", n=-waiting)
        for start in range(0, size, CHUNK):
            self._check_leaves(start, min(start + CHUNK, size))
        published = self._check_checkpoints()
        require_remembered()
        with self._database.reading() as tx:
            root = StoredTree(tx).root(size) if size else EMPTY_ROOT
        return LogReport(size, root, waiting, published)

    def _check_leaves(self, start: int, end: int) -> None:
        """Hashes the leaves [start, end) and compares with everything that was stored when they were placed."""
        with self._database.reading() as tx:
            leaves = ledger.leaves(tx, start, end)
            stored = ledger.subtree_hashes(tx, hashes_of(start), hashes_of(end))
            if len(leaves) != end - start:
                raise LedgerDamaged("Entries between {start} and {end} are missing.", start=start, end=end)
            # Subtrees that reach back before *start* rest on hashes that an earlier round has checked.
            computed = _hashes(StoredTree(tx), start, leaves)
        if computed != stored:
            raise LedgerDamaged(
                "An entry between {start} and {end} is not the one in the log's tree.", start=start, end=end - 1
            )

    def _check_checkpoints(self) -> int:
        checked = 0
        with self._database.reading() as tx:
            tree = StoredTree(tx)
            size = tree.size()
            for checkpoint in ledger.checkpoints_after(tx, 0):
                if checkpoint.size > size or tree.root(checkpoint.size) != checkpoint.root:
                    raise LedgerDamaged("The checkpoint of size {n} is not of this log.", n=checkpoint.size)
                _require_note(checkpoint, self._key)
                _require_token(checkpoint)
                checked += 1
        return checked


def _require_note(checkpoint: StoredCheckpoint, key: NoteKey | None) -> None:
    try:
        note = checkpoint.note
        stated = parse_checkpoint(parse_note(note).text) if key is None else verify_checkpoint(note, key)
    except NoteRefused as error:
        raise LedgerDamaged(
            "The checkpoint of size {n} is not signed with the log's key.", n=checkpoint.size
        ) from error
    except Malformed as error:
        raise LedgerDamaged("The checkpoint of size {n} cannot be read.", n=checkpoint.size) from error
    if (stated.size, stated.root) != (checkpoint.size, checkpoint.root):
        raise LedgerDamaged("The note of the checkpoint of size {n} says otherwise.", n=checkpoint.size)


def _require_token(checkpoint: StoredCheckpoint) -> None:
    """Its timestamp is good and over its note (RFC 3161, 2.4.2)."""
    try:
        verify_token(checkpoint.token, data=checkpoint.note)
    except (SignatureRefused, CertificateRefused, Malformed) as error:
        raise LedgerDamaged(
            "The timestamp over the checkpoint of size {n} is not good.", n=checkpoint.size
        ) from error


def _hashes(tree: StoredTree, start: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that *leaves*, from *start* on, complete; in the order in which they are stored."""
    if len(leaves) < CHUNK:
        return grown(tree, start, leaves)
    inner = _IN_ORDER(_level_by_level(leaves))
    return [*inner, *Edge(tree, start).add(inner[-1], CHUNK)[1:]]


def _level_by_level(leaves: Sequence[bytes]) -> list[bytes]:
    """All hashes of the complete tree over *leaves*; comprehensions, since this is where the time goes."""
    sha256 = hashlib.sha256
    level = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    hashes = list(level)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        hashes += level
    return hashes


def _order_of_completion() -> Callable[[Sequence[bytes]], tuple[bytes, ...]]:
    """From level by level to the stored order, for the complete tree over CHUNK leaves."""
    by_level = [
        subtree_number(start, start + (1 << bit))
        for bit in range(HEIGHT + 1)
        for start in range(0, CHUNK, 1 << bit)
    ]
    return itemgetter(*sorted(range(len(by_level)), key=by_level.__getitem__))


_IN_ORDER = _order_of_completion()
