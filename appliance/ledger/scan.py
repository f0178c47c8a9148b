"""Everything that the log says of one contract between two checkpoints, proven by reading the whole log.

The chain of a contract's entries is complete and in order: none left out, none inserted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.errors import LedgerDamaged, NotFound
from appliance.store import ledger
from appliance.store.database import Database
from hsm import canonical
from hsm.errors import Malformed
from hsm.merkle import EMPTY_ROOT, extended, fold, leaf_hash
from hsm.note import NoteKey, NoteRefused, verify_checkpoint


def require_chain(entries: Sequence[tuple[int, bytes]], *, contract: str, whole: bool = True) -> None:
    """Raises :class:`LedgerDamaged` unless *entries* (number and leaf) are *contract*'s, without a gap.

    Each says its ``sequence`` and the leaf hash (hex) of the one before, ``previous``. *whole*: from the first on;
    otherwise a part of the history that begins anywhere.
    """
    before: bytes | None = None
    expected = 1
    for number, leaf in sorted(entries):
        public = canonical.decode(leaf)["public"]
        sequence, previous = public.get("sequence"), public.get("previous")
        begins = before is None and (sequence == 1 if whole else isinstance(sequence, int))
        follows = before is not None and sequence == expected and previous == leaf_hash(before).hex()
        if public.get("contract") != contract or not (begins or follows):
            raise LedgerDamaged(
                "The history of contract {contract} has a gap before log entry {entry}.",
                contract=contract,
                entry=number,
            )
        before, expected = leaf, sequence + 1


CHUNK: Final = 4096
"""Leaves that are read at a time."""


@dataclass(frozen=True, slots=True)
class ProvenHistory:
    """The contract's entries (number, leaf) from *start* (a size, included) to before *end*, all that there are.

    ``root`` (32 bytes) is the root at *end*, which the authority signed.
    """

    contract: str
    start: int
    end: int
    root: bytes
    entries: tuple[tuple[int, bytes], ...]


class LogScan:
    """Reads the log in order. Memory is bounded by the contract's own entries."""

    def __init__(self, database: Database, key: NoteKey) -> None:
        self._database = database
        self._key = key

    def history(self, contract: str, *, start: int = 0, end: int | None = None) -> ProvenHistory:
        """The contract's entries between the checkpoints of the sizes *start* and *end* (the newest by default).

        1. both checkpoints are signed with the log's key (*start* 0 needs none);
        2. every leaf before *end* is hashed into a tree of its own, whose roots at *start* and *end* are theirs;
        3. the contract's entries among them form its chain, without a gap.

        Raises :class:`NotFound` for sizes without a checkpoint, :class:`LedgerDamaged`.
        """
        wanted = {size: self._signed_root(size) for size in {start, self._size(end)}}
        last = max(wanted)
        if start > last or (end is not None and end < start):
            raise NotFound("The checkpoint of size {end} is before that of {start}.", start=start, end=end)
        found = []
        for number, leaf in self._proven(last, wanted):
            if number >= start and _contract_of(leaf) == contract:
                found.append((number, leaf))
        require_chain(found, contract=contract, whole=start == 0)
        return ProvenHistory(contract, start, last, wanted[last], tuple(found))

    def _size(self, end: int | None) -> int:
        if end is not None:
            return end
        newest = self._database.query(ledger.last_checkpoint)
        if newest is None:
            raise NotFound("The log has no checkpoint yet; the first one follows the first entry within a second.")
        return newest.size

    def _signed_root(self, size: int) -> bytes:
        if size == 0:
            return EMPTY_ROOT
        checkpoint = self._database.query(ledger.checkpoint_of_size, size)
        if checkpoint is None:
            raise NotFound("The log has no checkpoint of size {size}.", size=size)
        try:
            stated = verify_checkpoint(checkpoint.note, self._key)
        except (NoteRefused, Malformed) as error:
            raise LedgerDamaged("The checkpoint of size {n} is not signed with the log's key.", n=size) from error
        if stated.size != size:
            raise LedgerDamaged("The note of the checkpoint of size {n} says otherwise.", n=size)
        return stated.root

    def _proven(self, last: int, wanted: dict[int, bytes]) -> Iterator[tuple[int, bytes]]:
        """Every leaf before *last* with its number; the roots of *wanted* are compared on the way."""
        size, edge = 0, list[bytes]()
        for first in range(0, last, CHUNK):
            for leaf in self._database.query(ledger.leaves, first, min(first + CHUNK, last)):
                edge = extended(size, edge, [leaf_hash(leaf)])
                size += 1
                if size in wanted and fold(edge) != wanted[size]:
                    raise LedgerDamaged("The checkpoint of size {n} is not of this log.", n=size)
                yield size - 1, leaf
        if size != last:
            raise LedgerDamaged("Entries between {start} and {end} are missing.", start=size, end=last)


def _contract_of(leaf: bytes) -> object:
    try:
        return canonical.decode(leaf)["public"].get("contract")
    except (Malformed, KeyError, TypeError, AttributeError):  # a timestamp's entry, or another form
        return None
