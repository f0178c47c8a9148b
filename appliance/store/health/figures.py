"""Figures by the hour, what processes have counted, and how many entries of the log are of which kind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.store.database import Transaction
from hsm.rows import Query


@dataclass(frozen=True, slots=True)
class HourlyFigures:
    """All measurements of a figure in the hour that begins at ``hour`` (UTC): how many, their mean, the least, the
    greatest and the last. ``grown`` is by how much a figure that only grows did so in it."""

    hour: datetime
    count: int
    mean: float
    low: float
    high: float
    last: float
    grown: float


_HOURS = Query(
    HourlyFigures,
    "SELECT hour, count, total / count AS mean, low, high, last, max(0.0, high - CASE WHEN lag(last) OVER before"
    " <= high THEN lag(last) OVER before ELSE low END) AS grown FROM series",
)


def add_figure(tx: Transaction, name: str, hour: datetime, value: float) -> None:
    tx.execute(
        "INSERT INTO series (name, hour, count, total, low, high, last) VALUES (?1, ?2, 1, ?3, ?3, ?3, ?3)"
        " ON CONFLICT (name, hour) DO UPDATE SET count = count + 1, total = total + ?3,"
        " low = min(low, ?3), high = max(high, ?3), last = ?3",
        (name, hour, value),
    )


def forget_figures(tx: Transaction, *, before: datetime) -> None:
    """Hours *before* that one are gone."""
    tx.execute("DELETE FROM series WHERE hour < ?", (before,))


def hours_of(tx: Transaction, name: str, *, since: datetime, until: datetime) -> list[HourlyFigures]:
    """The hours of a figure from *since* to before *until*, in order."""
    rest = "WHERE name = ? AND hour >= ? AND hour < ? WINDOW before AS (ORDER BY hour) ORDER BY hour"
    return _HOURS.all(tx, rest, (name, since, until))


_MOST = 2**53
"""Where a sum stands still: whoever invents counts cannot exceed what a column takes."""

MOST_NAMES = 20_000
"""Sums that are kept: whoever invents names cannot fill the disk."""


def add_counts(tx: Transaction, process: str, counts: Mapping[str, int]) -> None:
    """What *process* has counted by now, by name; what it had said before is not counted again."""
    told = dict(tx.execute("SELECT name, count FROM counts_told WHERE process = ?", (process,)).fetchall())
    room = MOST_NAMES - tx.count("SELECT count(*) FROM counts")
    for name, count in counts.items():
        grown = count - told.get(name, 0)
        if grown <= 0:
            continue
        known = tx.exists("SELECT 1 FROM counts WHERE name = ?", (name,))
        room -= not known
        if not known and room < 0:
            continue
        tx.execute(
            "INSERT INTO counts_told (process, name, count) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (process, name) DO UPDATE SET count = ?3",
            (process, name, count),
        )
        tx.execute(
            "INSERT INTO counts (name, count) VALUES (?1, min(?2, ?3))"
            " ON CONFLICT (name) DO UPDATE SET count = min(count + ?2, ?3)",
            (name, grown, _MOST),
        )


def forget_processes(tx: Transaction, prefix: str, files: Sequence[str]) -> None:
    """What processes have said whose files, which begin with *prefix*, are not among *files* any more."""
    tx.execute(
        "DELETE FROM counts_told WHERE process LIKE ? || '%' AND process NOT IN (SELECT value FROM json_each(?))",
        (prefix, json.dumps(files)),
    )


def count_sums(tx: Transaction) -> dict[str, int]:
    """How many there were, by name."""
    return {str(name): int(count) for name, count in tx.execute("SELECT name, count FROM counts")}


def log_tally(tx: Transaction) -> tuple[int, dict[str, int]]:
    """How many entries were counted, and how many of each kind."""
    row = tx.execute("SELECT position, counts FROM tallies WHERE id = 1").fetchone()
    if row is None:
        return 0, {}
    position, counts = row
    return position, json.loads(counts)


def save_log_tally(tx: Transaction, position: int, counts: Mapping[str, int]) -> None:
    """Replaces what :func:`log_tally` gives."""
    tx.save("tallies", {"id": 1, "position": position, "counts": json.dumps(counts)}, key="id")
