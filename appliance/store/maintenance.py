"""Maintenance in the database: one is open at a time. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from datetime import datetime

import pysqlite3

from appliance.errors import StateRefused
from appliance.model.maintenance import MaintenanceWindow
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def plan(tx: Transaction, window: MaintenanceWindow, now: datetime) -> None:
    """Announces *window* from *now* on. Raises :class:`StateRefused` while another one is open."""
    try:
        tx.execute(
            "INSERT INTO maintenance (planned, begins, until, message, exceptions) VALUES (?, ?, ?, ?, ?)",
            (
                stored(now),
                stored(window.begins),
                stored(window.until),
                window.message,
                json.dumps(sorted(window.exceptions)),
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("A maintenance is planned or under way already; end that one first.") from error


def open_window(tx: Transaction) -> MaintenanceWindow | None:
    """The one that is planned or under way."""
    row = tx.execute("SELECT begins, until, message, exceptions FROM maintenance WHERE ended IS NULL").fetchone()
    if row is None:
        return None
    return MaintenanceWindow(loaded(row[0]), loaded(row[1]), row[2], frozenset(json.loads(row[3])))


def end(tx: Transaction, now: datetime) -> bool:
    """Ends it, or calls it off; False when there is none."""
    done = tx.execute("UPDATE maintenance SET ended = ?, exceptions = '[]' WHERE ended IS NULL", (stored(now),))
    return bool(done.rowcount == 1)
