"""Sessions in the database, by the SHA-256 of the cookie. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from appliance.model.accounts import Session, Strength
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_SESSION = (
    "SELECT id, subject, strength, opened, seen, until, address, agent, contract, party FROM sessions"
    " WHERE ended IS NULL"
)


def insert(tx: Transaction, session: Session) -> None:
    """A new session."""
    contract, party = session.guest_of or (None, None)
    tx.execute(
        "INSERT INTO sessions (id, subject, strength, opened, seen, until, address, agent, contract, party)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            bytes.fromhex(session.id),
            session.subject,
            session.strength,
            stored(session.opened),
            stored(session.seen),
            stored(session.until),
            session.address,
            session.agent,
            contract,
            party,
        ),
    )


def find(tx: Transaction, identifier: bytes) -> Session | None:
    """The session that nobody ended, or None; whether it ran out is for the caller to see."""
    row = tx.execute(f"{_SESSION} AND id = ?", (identifier,)).fetchone()
    return None if row is None else _session(row)


def owner(tx: Transaction, identifier: bytes) -> str | None:
    """Whose session it is, or was before it ended."""
    row = tx.execute("SELECT subject FROM sessions WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else str(row[0])


def of_subject(tx: Transaction, subject: str, *, now: datetime, idle_since: datetime) -> list[Session]:
    """The sessions of *subject* that still work, the one seen last first."""
    rows = tx.execute(
        f"{_SESSION} AND subject = ? AND until > ? AND seen > ? ORDER BY seen DESC, opened DESC",
        (subject, stored(now), stored(idle_since)),
    )
    return [_session(row) for row in rows]


def touch(tx: Transaction, identifier: bytes, *, now: datetime) -> None:
    """Remembers that the session is used."""
    tx.execute("UPDATE sessions SET seen = ? WHERE id = ? AND ended IS NULL", (stored(now), identifier))


def end(tx: Transaction, identifier: bytes, *, subject: str, now: datetime) -> bool:
    """Ends a session of *subject*; False when there is none that goes on."""
    done = tx.execute(
        "UPDATE sessions SET ended = ? WHERE id = ? AND subject = ? AND ended IS NULL",
        (stored(now), identifier, subject),
    )
    return bool(done.rowcount == 1)


def end_all(tx: Transaction, subject: str, *, now: datetime, but: bytes = b"") -> int:
    """Ends every session of *subject* but one; how many there were."""
    done = tx.execute(
        "UPDATE sessions SET ended = ? WHERE subject = ? AND ended IS NULL AND id <> ?",
        (stored(now), subject, but),
    )
    return int(done.rowcount)


def forget(tx: Transaction, before: datetime, *, limit: int = 100) -> None:
    """Removes at most *limit* sessions that were over before *before*."""
    tx.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE until < ? ORDER BY until LIMIT ?)",
        (stored(before), limit),
    )


def _session(row: tuple[Any, ...]) -> Session:
    return Session(
        id=bytes(row[0]).hex(),
        subject=row[1],
        strength=Strength(row[2]),
        opened=loaded(row[3]),
        seen=loaded(row[4]),
        until=loaded(row[5]),
        address=row[6],
        agent=row[7],
        guest_of=None if row[8] is None else (row[8], row[9]),
    )
