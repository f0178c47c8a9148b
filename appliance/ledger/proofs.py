"""Proofs for everybody, also over the log as it was: entries, inclusion, consistency, offline proof files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from appliance.errors import ApplianceError, NotFound
from appliance.ledger.tree import StoredTree
from appliance.store import checkpoints
from appliance.store import ledger as store
from appliance.store.checkpoints import StoredCheckpoint
from appliance.store.database import Database, Transaction
from hsm.merkle import consistency_ranges, inclusion_ranges


class ParameterRefused(ApplianceError):
    """An index or a size that is no number, or none that the log has; the sentence says which are."""

    code = "bad-request"


HEAD = "c2sp.org/tlog-proof@v1"


class LogProofs:
    """Answers from the published log alone: what no checkpoint covers yet does not exist here. Thread-safe.

    Every proof is made from O(log n) stored hashes. Raises :class:`ParameterRefused` for numbers out of range,
    :class:`LedgerDamaged` when a stored hash is missing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self) -> StoredCheckpoint | None:
        """The newest checkpoint; None before the first."""
        with self._database.reading() as tx:
            return checkpoints.last(tx)

    def checkpoint(self) -> StoredCheckpoint:
        """The newest checkpoint. Raises :class:`NotFound` before the first."""
        with self._database.reading() as tx:
            return _published(tx)

    def entry(self, index: int) -> bytes:
        """The leaf (canonical JSON) at *index*, counted from 0."""
        with self._database.reading() as tx:
            _require_entry(index, _published(tx).size)
            return store.leaf(tx, index)

    def opening(self, index: int) -> Mapping[str, Any] | None:
        """The private fields of the entry at *index*: name → ``{"salt": hex, "value": …}``; None when erased.

        Never for strangers: whoever asks must be allowed to know what stands in it.
        """
        with self._database.reading() as tx:
            fields = store.opening(tx, index)
        opened: Mapping[str, Any] | None = None if fields is None else json.loads(fields)
        return opened

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path (RFC 6962, 2.1.1) of the entry at *index* in the log as it was at *size*."""
        with self._database.reading() as tx:
            return _inclusion(tx, index, size, _published(tx))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof (RFC 6962, 2.1.2) that the log of *new* entries begins with that of *old*."""
        with self._database.reading() as tx:
            _require_size(new, _published(tx).size)
            if not 0 <= old <= new:
                raise ParameterRefused(
                    "From must not be above to: a log of size {new} does not extend one of {old}.",
                    old=old,
                    new=new,
                )
            tree = StoredTree(tx)
            return [tree.hash_of(*each) for each in consistency_ranges(old, new)]

    def proof_file(self, index: int) -> bytes:
        """The C2SP ``.tlog-proof`` of the entry at *index*: its path to the newest checkpoint, and that note."""
        with self._database.reading() as tx:
            checkpoint = _published(tx)
            path = _inclusion(tx, index, checkpoint.size, checkpoint)
        lines = [HEAD, f"index {index}", *(base64.b64encode(each).decode() for each in path), "", ""]
        return "\n".join(lines).encode() + checkpoint.note


def _published(tx: Transaction) -> StoredCheckpoint:
    last = checkpoints.last(tx)
    if last is None:
        raise NotFound("The log has no checkpoint yet; the first one follows the first entry within a second.")
    return last


def _inclusion(tx: Transaction, index: int, size: int, checkpoint: StoredCheckpoint) -> list[bytes]:
    _require_size(size, checkpoint.size)
    _require_entry(index, size)
    tree = StoredTree(tx)
    return [tree.hash_of(*each) for each in inclusion_ranges(index, size)]


def _require_size(size: int, largest: int) -> None:
    if not 0 <= size <= largest:
        raise ParameterRefused(
            "The log's newest checkpoint has the size {largest}; a size of {size} is not in it.",
            largest=largest,
            size=size,
        )


def _require_entry(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ParameterRefused("There is no entry {index} in a log of {size}.", index=index, size=size)
