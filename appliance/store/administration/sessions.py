"""Sessions of the console, by the SHA-256 of the cookie. They end, are touched and forgotten as the portal's are
(:mod:`appliance.store.sessions`). Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from appliance.model.administration import ConsoleSession
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored
from appliance.store.sessions import end, end_all, forget, touch

__all__ = ["end", "end_all", "find", "forget", "insert", "of_login", "touch"]

_SESSION = "SELECT id, subject, opened, seen, until, address, agent FROM sessions WHERE ended IS NULL"


def insert(tx: Transaction, session: ConsoleSession) -> None:
    """A new session."""
    times = [stored(moment) for moment in (session.opened, session.seen, session.until)]
    tx.execute(
        "INSERT INTO sessions (id, subject, opened, seen, until, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (bytes.fromhex(session.id), session.login, *times, session.address, session.agent),
    )


def find(tx: Transaction, identifier: bytes) -> ConsoleSession | None:
    """The session that nobody ended, or None; whether it ran out is for the caller to see."""
    row = tx.execute(f"{_SESSION} AND id = ?", (identifier,)).fetchone()
    return None if row is None else _session(row)


def of_login(tx: Transaction, login: str, *, now: datetime, idle_since: datetime) -> list[ConsoleSession]:
    """The sessions of *login* that still work, the one seen last first."""
    rows = tx.execute(
        f"{_SESSION} AND subject = ? AND until > ? AND seen > ? ORDER BY seen DESC, opened DESC",
        (login, stored(now), stored(idle_since)),
    )
    return [_session(row) for row in rows]


def _session(row: tuple[Any, ...]) -> ConsoleSession:
    return ConsoleSession(
        bytes(row[0]).hex(), row[1], loaded(row[2]), loaded(row[3]), loaded(row[4]), row[5], row[6]
    )
