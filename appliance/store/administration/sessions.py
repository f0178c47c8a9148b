"""Sessions of the console, by the SHA-256 of the cookie. They end, are touched and forgotten as the portal's are
(:mod:`appliance.store.sessions`). Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.administration import ConsoleSession
from appliance.store.database import Transaction
from appliance.store.sessions import end, end_all, forget, owner, touch
from hsm.rows import Query, fields_of

__all__ = ["end", "end_all", "find", "forget", "insert", "of_subject", "owner", "touch"]

_SESSION = "SELECT id, subject AS login, opened, seen, until, address, agent FROM sessions WHERE ended IS NULL"
_SESSIONS = Query(ConsoleSession, _SESSION, id=bytes.hex)


def insert(tx: Transaction, session: ConsoleSession) -> None:
    row = {"id": bytes.fromhex(session.id), "subject": session.login}
    tx.insert("sessions", row | fields_of(session, "opened seen until address agent"))


def find(tx: Transaction, identifier: bytes) -> ConsoleSession | None:
    """The session that nobody ended, or None; whether it ran out is for the caller to see."""
    return _SESSIONS.first(tx, "AND id = ?", (identifier,))


def of_subject(tx: Transaction, subject: str, *, now: datetime, idle_since: datetime) -> list[ConsoleSession]:
    """The sessions of *subject* that still work, the one seen last first."""
    return _SESSIONS.all(
        tx,
        "AND subject = ? AND until > ? AND seen > ? ORDER BY seen DESC, opened DESC",
        (subject, now, idle_since),
    )
