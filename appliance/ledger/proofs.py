"""Proofs for everybody, also over the log as it was: entries, inclusion, consistency, offline proof files; and
what each address of the log answers over HTTP, from the parameters as they were sent, without a web framework."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.errors import ApplianceError, NotFound
from appliance.ledger.tree import StoredTree, TileName, Tiles
from appliance.store import ledger
from appliance.store.database import Database, Transaction, reads
from appliance.store.ledger import StoredCheckpoint
from hsm.merkle import EMPTY_ROOT, consistency_ranges, inclusion_ranges
from hsm.note import Checkpoint


class ParameterRefused(ApplianceError, code="bad-request"):
    """An index or a size that is no number, or none that the log has; the sentence says which are."""


HEAD = "c2sp.org/tlog-proof@v1"


def _published(tx: Transaction) -> StoredCheckpoint:
    last = ledger.last_checkpoint(tx)
    if last is None:
        raise NotFound("The log has no checkpoint yet; the first one follows the first entry within a second.")
    return last


SizeWitnessed = Callable[[Transaction, int], int | None]
"""The size of the newest checkpoint of more than so many entries that a quorum of witnesses vouches for, by the
policy as it is now; None without one."""


class LogProofs:
    """Answers from the published log alone: what no checkpoint covers yet does not exist here. Thread-safe.

    Every proof is made from O(log n) stored hashes. Raises :class:`ParameterRefused` for numbers out of range,
    :class:`LedgerDamaged` when a stored hash is missing. *witnessed* says which checkpoints outside witnesses
    vouch for; without it none.
    """

    def __init__(self, database: Database, witnessed: SizeWitnessed | None = None) -> None:
        self._database, self._witnessed = database, witnessed

    latest = reads(ledger.last_checkpoint)
    checkpoint = reads(_published)
    """The newest checkpoint. Raises :class:`NotFound` before the first."""

    def entry(self, index: int) -> bytes:
        """The leaf (canonical JSON) at *index*, counted from 0."""
        with self._database.reading() as tx:
            _require_entry(index, _published(tx).size)
            return ledger.leaf(tx, index)

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

    def continues(self, earlier: Checkpoint) -> bool:
        """Whether the published log begins with the entries of *earlier*."""
        with self._database.reading() as tx:
            if earlier.size > _published(tx).size:
                return False
            return earlier.root == (StoredTree(tx).root(earlier.size) if earlier.size else EMPTY_ROOT)

    def witnessed(self, index: int) -> StoredCheckpoint | None:
        """The newest checkpoint over the entry at *index* that has the quorum of outside witnesses."""
        with self._database.reading() as tx:
            return self._witnessed_over(tx, index)

    def _witnessed_over(self, tx: Transaction, index: int) -> StoredCheckpoint | None:
        size = None if self._witnessed is None else self._witnessed(tx, index)
        return None if size is None else ledger.checkpoint_of_size(tx, size)

    def proof_file(self, index: int, checkpoint: StoredCheckpoint | None = None) -> bytes:
        """The C2SP ``.tlog-proof`` of the entry at *index*: its path to *checkpoint*, and that note with the lines
        of witnesses. Without one it leads to the newest that has the quorum and covers the entry, else to the
        newest.
        """
        with self._database.reading() as tx:
            newest = _published(tx)
            to = checkpoint or self._witnessed_over(tx, index) or newest
            path = _inclusion(tx, index, to.size, newest)
        lines = [HEAD, f"index {index}", *(base64.b64encode(each).decode() for each in path), "", ""]
        return "\n".join(lines).encode() + to.cosigned_note


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


_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """A body and its media type; ``lasting`` when it is the same for ever, so that anybody may keep it."""

    content_type: str
    body: bytes
    lasting: bool


class LogAnswers:
    """What ``/log/…`` answers. Parameters are text, None where they were not sent.

    Raises :class:`ParameterRefused` (400) for what is no number or out of range, :class:`NotFound` (404) for a log
    without a checkpoint and for tiles that do not exist (yet).
    """

    def __init__(self, proofs: LogProofs, tiles: Tiles) -> None:
        self._proofs = proofs
        self._tiles = tiles

    def checkpoint(self) -> LogAnswer:
        """``/log/checkpoint``: the newest signed note, with the lines of the witnesses who cosigned it so far."""
        note = self._proofs.checkpoint().cosigned_note
        return LogAnswer("text/plain; charset=utf-8", note, lasting=False)

    def checkpoint_timestamp(self) -> LogAnswer:
        """``/log/checkpoint.tst``: the timestamp token (DER) over the newest note as the log signed it."""
        return LogAnswer("application/vnd.etsi.timestamp-token", self._proofs.checkpoint().token, lasting=False)

    def entry(self, index: str | None) -> LogAnswer:
        """``/log/entry?index=``: the leaf's bytes."""
        return LogAnswer(_JSON, self._proofs.entry(_number("index", index)), lasting=True)

    def inclusion(self, index: str | None, size: str | None) -> LogAnswer:
        """``/log/proof/inclusion?index=&size=``: ``{"hashes": [base64, …]}``."""
        return _hashes(self._proofs.inclusion(_number("index", index), _number("size", size)))

    def consistency(self, old: str | None, new: str | None) -> LogAnswer:
        """``/log/proof/consistency?from=&to=``: ``{"hashes": [base64, …]}``, empty for equal sizes."""
        return _hashes(self._proofs.consistency(_number("from", old), _number("to", new)))

    def proof_file(self, index: str | None) -> LogAnswer:
        """``/log/proof/file?index=``: the C2SP ``.tlog-proof`` that leads to the newest checkpoint with a
        quorum of witnesses, else to the newest."""
        body = self._proofs.proof_file(_number("index", index))
        return LogAnswer("text/plain; charset=utf-8", body, lasting=False)

    def tile(self, path: str) -> LogAnswer:
        """``/log/tile/{path}``: a tile of hashes or of entries."""
        return LogAnswer("application/octet-stream", self._tiles.tile(TileName.parse(path)), lasting=True)


def _number(name: str, text: str | None) -> int:
    if text is None:
        raise ParameterRefused("The parameter {name} is missing.", name=name)
    if not _NUMBER.fullmatch(text):
        raise ParameterRefused(
            "The parameter {name} must be a whole number in plain digits, 0 or more.", name=name
        )
    return int(text)


def _hashes(hashes: Sequence[bytes]) -> LogAnswer:
    encoded = [base64.b64encode(each).decode() for each in hashes]
    return LogAnswer(_JSON, json.dumps({"hashes": encoded}).encode(), lasting=True)
