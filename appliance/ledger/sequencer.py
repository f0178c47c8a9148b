"""The sequencer: gives entries their place in the tree and has the result signed and dated."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.ledger.check import require_remembered
from appliance.ledger.entry import record_tokens
from appliance.ledger.tree import StoredTree, grown, hashes_of
from appliance.sharing import open_file
from appliance.store import ledger
from appliance.store.database import Database
from appliance.store.ledger import StoredCheckpoint
from hsm.client import AuthorityClient
from hsm.note import MOST_LEAVES
from hsm.timestamp import order_for

BATCH = 1024
"""Entries that get their place in one transaction: writers wait a few milliseconds for it, not more."""


@contextmanager
def sequencing_held(database: Path) -> Iterator[None]:
    """No entry gets its place, and no checkpoint is asked for, while this is entered.

    Two sequencers at once would make each other's checkpoints fail, and a backup wants log and authority of one
    moment. The kernel frees the lock of a dead process.
    """
    path = database.with_name(database.name + "-sequencer")
    with os.fdopen(open_file(path, os.O_RDWR), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Sequencer:
    """Runs in any process, one at a time on a machine; what one left unfinished, the next completes."""

    def __init__(self, database: Database, authority: AuthorityClient) -> None:
        self._database = database
        self._authority = authority

    def run_once(self) -> StoredCheckpoint | None:
        """Places all waiting entries and gets a checkpoint over them; None when there was nothing new.

        1. each entry's hash, and those of the subtrees that it completes, are stored;
        2. the authority takes their hashes from where it signed last, computes the root itself and signs it;
        3. the signed note is dated by a timestamp, which is an entry of the log itself;
        4. note, token and that entry are committed together.

        Dead after 2, the authority remembers a checkpoint that was never published: the next run extends it.
        Raises :class:`LedgerDamaged` when the tree is not what the authority signed, and the authority's errors.
        """
        with sequencing_held(self._database.path):
            self._place()
            return self._sign() if self._has_news() else None

    def _place(self) -> None:
        while True:
            with self._database.reading() as tx:
                tree = StoredTree(tx)
                size = tree.size()
                leaves = ledger.leaves(tx, size, size + BATCH)
                hashes = grown(tree, size, leaves)
            if not leaves:
                return
            self._database.commit(ledger.append_subtrees, hashes, hashes_of(size))

    def _has_news(self) -> bool:
        """Whether there is more than the last checkpoint and its stamp: else each would lead to the next."""
        with self._database.reading() as tx:
            size, last = StoredTree(tx).size(), ledger.last_checkpoint(tx)
        if last is None:
            return size > 0
        only_its_stamp = size == last.size + 1 and last.stamp == last.size
        return size > last.size and not only_its_stamp

    def _sign(self) -> StoredCheckpoint:
        signed = require_remembered(self._database, self._authority).checkpoint
        with self._database.reading() as tx:
            size = StoredTree(tx).size()
        start = signed.size if signed else 0
        # What the authority signs on the way is never published: the next request extends it.
        while size - start > MOST_LEAVES:
            self._extend(start, start + MOST_LEAVES)
            start += MOST_LEAVES
        root, note = self._extend(start, size)
        [token] = self._authority.timestamp([order_for(hashlib.sha256(note).digest())])
        with self._database.transaction() as tx:
            entry = record_tokens(tx, [token])
            checkpoint = StoredCheckpoint(size, root, note, token.token, entry)
            ledger.insert_checkpoint(tx, checkpoint)
        return checkpoint

    def _extend(self, start: int, end: int) -> tuple[bytes, bytes]:
        """The root over the first *end* entries, and its note; *start* is where the authority signed last."""
        with self._database.reading() as tx:
            extension = StoredTree(tx).extension(start, end)
        return extension.root, self._authority.checkpoint(extension)
