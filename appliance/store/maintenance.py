"""Maintenance in the database: one is open at a time. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from datetime import datetime

from appliance.errors import StateRefused
from appliance.model.administration import MaintenanceWindow
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing

_WINDOWS = Query(MaintenanceWindow, "SELECT begins, until, message, exceptions FROM maintenance")


def plan(tx: Transaction, window: MaintenanceWindow, now: datetime) -> None:
    """Announces *window* from *now* on. Raises :class:`StateRefused` while another one is open."""
    with refusing(StateRefused("A maintenance is planned or under way already; end that one first.")):
        tx.insert(
            "maintenance",
            fields_of(window, "begins until message")
            | {"planned": now, "exceptions": json.dumps(sorted(window.exceptions))},
        )


def open_window(tx: Transaction) -> MaintenanceWindow | None:
    """The one that is planned or under way."""
    return _WINDOWS.first(tx, "WHERE ended IS NULL")


def end(tx: Transaction, now: datetime) -> bool:
    """Ends it, or calls it off; False when there is none."""
    return tx.changed("UPDATE maintenance SET ended = ?, exceptions = '[]' WHERE ended IS NULL", (now,))
