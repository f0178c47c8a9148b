"""How many entries of the log are of which kind, up to a position in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from appliance.store.database import Transaction


def log_tally(tx: Transaction) -> tuple[int, dict[str, int]]:
    """How many entries were counted, and how many of each kind."""
    row = tx.execute("SELECT position, counts FROM tallies WHERE id = 1").fetchone()
    if row is None:
        return 0, {}
    position, counts = row
    return position, json.loads(counts)


def save_log_tally(tx: Transaction, position: int, counts: Mapping[str, int]) -> None:
    """Replaces what :func:`get` gives."""
    tx.execute(
        "INSERT INTO tallies (id, position, counts) VALUES (1, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET position = excluded.position, counts = excluded.counts",
        (position, json.dumps(counts)),
    )
