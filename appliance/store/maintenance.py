"""Maintenance in the database: one is open at a time. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from datetime import datetime

import pysqlite3

from appliance.errors import StateRefused
from appliance.model.administration import MaintenanceWindow
from appliance.store.database import Transaction
from hsm.rows import RowMapper

_WINDOWS = RowMapper(MaintenanceWindow)


def plan(tx: Transaction, window: MaintenanceWindow, now: datetime) -> None:
    """Announces *window* from *now* on. Raises :class:`StateRefused` while another one is open."""
    try:
        tx.execute(
            "INSERT INTO maintenance (planned, begins, until, message, exceptions) VALUES (?, ?, ?, ?, ?)",
            (
                now,
                window.begins,
                window.until,
                window.message,
                json.dumps(sorted(window.exceptions)),
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("A maintenance is planned or under way already; end that one first.") from error


def open_window(tx: Transaction) -> MaintenanceWindow | None:
    """The one that is planned or under way."""
    rows = tx.execute("SELECT begins, until, message, exceptions FROM maintenance WHERE ended IS NULL")
    return _WINDOWS.first(rows)


def end(tx: Transaction, now: datetime) -> bool:
    """Ends it, or calls it off; False when there is none."""
    return tx.changed("UPDATE maintenance SET ended = ?, exceptions = '[]' WHERE ended IS NULL", (now,))
