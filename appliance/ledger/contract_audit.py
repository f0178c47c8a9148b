"""The auditor's view: a contract's whole history with the proof that it is whole, and exports that carry it.

1. the newest checkpoint is signed with the log's key;
2. every entry that it covers is in its tree, by an inclusion proof that is computed and checked here;
3. the entries form the contract's chain from the first one on: each names the one before by its hash.

Internal records of other organisations than the reader's are links of the chain like all others, proven by their
leaf hashes; what they say is withheld (:mod:`appliance.ledger.disclosure`).

So nothing was put in, changed, or left out between two entries; that none *after* the last was left out is what
``vermilion log history`` proves, which reads the whole log.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.errors import LedgerDamaged
from appliance.language.characters import plain_cell
from appliance.ledger import LogProofs, require_chain
from appliance.ledger.disclosure import Audience, Disclosure
from appliance.ledger.timeline import Timeline, TimelineEvent
from appliance.model.contract import Contract
from appliance.store import ledger
from appliance.store.database import Database
from appliance.store.ledger import StoredCheckpoint
from hsm import canonical
from hsm.errors import Malformed
from hsm.merkle import leaf_hash, root_from_inclusion
from hsm.note import NoteRefused, parse_vkey, verify_checkpoint

FORMAT: Final = "vermilion-history/1"
PAGE: Final = 50
COLUMNS: Final = (
    "Log entry",
    "Number in the contract's history",
    "Time (UTC)",
    "What happened",
    "By",
    "Details",
    "Hash of the entry, SHA-256",
    "Hash of the entry before, SHA-256",
    "In the log",
)


@dataclass(frozen=True, slots=True)
class AuditLink:
    """One entry as a link of the chain: ``sequence`` from 1; ``hash`` and ``previous`` (hex) are leaf hashes;
    ``proven`` when the checkpoint's tree has it."""

    told: TimelineEvent
    sequence: int
    hash: str
    previous: str
    proven: bool


@dataclass(frozen=True, slots=True)
class AuditedContract:
    """``checkpoint`` is None before the log's first. ``damage`` says what does not hold, if anything."""

    links: tuple[AuditLink, ...]
    checkpoint: StoredCheckpoint | None
    damage: LedgerDamaged | None

    @property
    def waiting(self) -> int:
        """How many entries wait for a checkpoint, a second or so."""
        return sum(not link.proven for link in self.links)


class Audit:
    """Reads only. Thread-safe. *vkey* is the file with the log's verifier key."""

    def __init__(self, database: Database, proofs: LogProofs, vkey: Path) -> None:
        self._database, self._proofs = database, proofs
        self._timeline = Timeline(database)
        self._vkey = vkey

    def of(self, contract_id: str, audience: Audience) -> AuditedContract:
        """The contract's history as *audience* may see it, oldest first; no entry is left out."""
        told = self._timeline.whole(contract_id, audience)
        with self._database.reading() as tx:
            leaves = {number: leaf for number, leaf, _ in ledger.history_of(tx, contract_id)}
            checkpoint = ledger.last_checkpoint(tx)
        try:
            proven = set() if checkpoint is None else self._proven(leaves, checkpoint)
            require_chain(list(leaves.items()), contract=contract_id)
        except LedgerDamaged as damage:
            return AuditedContract(
                tuple(_link(each, leaves[each.entry], False) for each in told), checkpoint, damage
            )
        links = (_link(each, leaves[each.entry], each.entry in proven) for each in told if each.entry in leaves)
        return AuditedContract(tuple(links), checkpoint, None)

    def checkpoints(self, *, before: int | None = None) -> list[StoredCheckpoint]:
        """The newest checkpoints, at most :data:`PAGE`, smaller than *before*."""
        return self._database.query(ledger.newest_checkpoints, limit=PAGE, before=before)

    def to_json(self, contract: Contract, audience: Audience) -> bytes:
        """The history for machines: leaves as they stand in the log, what *audience* may see of their openings,
        and a C2SP proof for each."""
        with self._database.reading() as tx:
            disclosure = Disclosure(tx, contract, audience)
            told = [
                (number, leaf, dict(disclosure.seen(canonical.decode(leaf), opening).opening))
                for number, leaf, opening in ledger.history_of(tx, contract.id)
            ]
            checkpoint = ledger.last_checkpoint(tx)
        size = 0 if checkpoint is None else checkpoint.size
        value = {
            "format": FORMAT,
            "contract": contract.id,
            "title": contract.title,
            "audience": audience.name,
            "log": self._vkey.read_text("ascii").strip(),
            "checkpoint": None if checkpoint is None else checkpoint.note.decode(),
            "entries": [
                {
                    "entry": number,
                    "leaf": leaf.decode(),
                    "opening": opening or None,
                    "proof": self._proofs.proof_file(number).decode() if number < size else None,
                }
                for number, leaf, opening in told
            ],
        }
        return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"

    def to_csv(
        self, contract_id: str, audience: Audience, say: Callable[[str], str], *, yes_no: Sequence[str]
    ) -> bytes:
        """The history for spreadsheets, in the reader's language; *yes_no*: the words for yes and for no."""
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\r\n")
        table.writerow([say(column) for column in COLUMNS])
        for link in self.of(contract_id, audience).links:
            told = link.told
            facts = [
                f"{say(fact.label)}: {say(str(fact.value)) if fact.is_message else _shown(fact.value)}"
                for fact in told.facts
            ]
            table.writerow(
                [
                    told.entry,
                    link.sequence,
                    _shown(told.at),
                    plain_cell(say(told.title)),
                    plain_cell(told.by),
                    plain_cell("; ".join([*told.origin, *facts])),
                    link.hash,
                    link.previous,
                    yes_no[0] if link.proven else yes_no[1],
                ]
            )
        return ("\ufeff" + stream.getvalue()).encode()

    def _proven(self, leaves: Mapping[int, bytes], checkpoint: StoredCheckpoint) -> set[int]:
        """The entries that the tree of *checkpoint* has. Raises :class:`LedgerDamaged`."""
        try:
            stated = verify_checkpoint(checkpoint.note, parse_vkey(self._vkey.read_text("ascii").strip()))
        except (NoteRefused, Malformed) as error:
            raise LedgerDamaged(
                "The checkpoint of size {n} is not signed with the log's key.", n=checkpoint.size
            ) from error
        covered = [number for number in leaves if number < stated.size]
        for number in covered:
            hashes = self._proofs.inclusion(number, stated.size)
            root = root_from_inclusion(number, stated.size, leaf_hash(leaves[number]), hashes)
            if root != stated.root:
                raise LedgerDamaged("The log entry {entry} is not in the log.", entry=number)
        return set(covered)


def _link(told: TimelineEvent, leaf: bytes, proven: bool) -> AuditLink:
    public: Mapping[str, Any] = canonical.decode(leaf)["public"]
    sequence = public.get("sequence", 0)
    return AuditLink(told, int(sequence), leaf_hash(leaf).hex(), str(public.get("previous", "")), proven)


def _shown(value: str | datetime | None) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "—" if value is None else value
