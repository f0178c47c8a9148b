"""Cosignatures of outside witnesses, and how each witness stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from appliance.model.witnesses import WitnessedCheckpoint, WitnessProblem
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How the witness with this vkey stands: ``size`` and moment of its last cosignature, when it was last asked,
    what is wrong since when (``said`` has the details), and the number of ``refusals`` so far."""

    witness: str
    size: int | None
    cosigned: datetime | None
    asked: datetime
    problem: WitnessProblem | None = None
    said: str = ""
    since: datetime | None = None
    failures: int = 0
    refusals: int = 0
    retry_at: datetime | None = None


_STATE_COLUMNS = "witness size cosigned asked problem said since failures refusals retry_at"
_STATES = Query(
    WitnessState,
    "SELECT witness, size, cosigned, asked, problem, said, since, failures, refusals, retry_at"
    " FROM witness_states",
)


def states(tx: Transaction) -> Mapping[str, WitnessState]:
    """By vkey; a witness that was never asked is missing."""
    return {each.witness: each for each in _STATES.all(tx)}


def save_state(tx: Transaction, state: WitnessState) -> None:
    """The state of a witness instead of the one before."""
    tx.save("witness_states", fields_of(state, _STATE_COLUMNS), key="witness")


def add_cosignature(tx: Transaction, size: int, witness: str, line: str, at: datetime) -> bool:
    """Keeps the signature *line* of *witness* (a vkey) on the checkpoint of *size*; False if there is one
    already."""
    row = {"size": size, "witness": witness, "line": line, "at": at}
    return tx.insert_if_new("cosignatures", row)


def cosigned_at(tx: Transaction, size: int) -> Mapping[str, datetime]:
    """By vkey of each witness who cosigned the checkpoint of *size*: when, as it says."""
    rows = tx.execute("SELECT witness, at FROM cosignatures WHERE size = ?", (size,))
    return {witness: datetime.fromisoformat(at) for witness, at in rows}


def cosigned(tx: Transaction, *, above: int, most: int) -> Iterator[tuple[int, frozenset[str]]]:
    """The checkpoints of more than *above* and at most *most* entries that were cosigned, the largest first: size,
    and the vkeys of the witnesses."""
    rows = tx.execute(
        "SELECT size, witness FROM cosignatures WHERE size > ? AND size <= ? ORDER BY size DESC", (above, most)
    )
    for size, found in groupby(rows, key=itemgetter(0)):
        yield size, frozenset(witness for _, witness in found)


def add_witnessed(tx: Transaction, size: int, at: datetime) -> None:
    """The checkpoint of *size* meets the quorum of the policy that is in force."""
    tx.insert_if_new("witnessed_checkpoints", {"size": size, "at": at})


def last_judged(tx: Transaction) -> WitnessedCheckpoint | None:
    """The newest checkpoint that met the quorum of the policy that was in force then, and when that was seen; None
    before the first. Whether it meets today's is another question."""
    return Query(
        WitnessedCheckpoint, "SELECT size, at FROM witnessed_checkpoints ORDER BY size DESC LIMIT 1"
    ).first(tx)
