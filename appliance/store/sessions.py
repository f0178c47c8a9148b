"""Sessions in the database, by the SHA-256 of the cookie. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.accounts import Session
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of

_SESSION = (
    "SELECT id, subject, strength, opened, seen, until, address, agent, contract, party, embedded FROM sessions"
    " WHERE ended IS NULL"
)

_SESSIONS = Query(
    Session,
    _SESSION,
    id=bytes.hex,
    guest_of=columns(lambda contract, party: None if contract is None else (contract, party), "contract", "party"),
)


def insert_session(tx: Transaction, session: Session) -> None:
    contract, party = session.guest_of or (None, None)
    tx.insert(
        "sessions",
        {"id": bytes.fromhex(session.id), "contract": contract, "party": party}
        | fields_of(session, "subject strength opened seen until address agent embedded"),
    )


def find(tx: Transaction, identifier: bytes) -> Session | None:
    """The session that nobody ended, or None; whether it ran out is for the caller to see. Those of frames are
    sessions of no page."""
    return _SESSIONS.first(tx, "AND id = ? AND embedded IS NULL", (identifier,))


def find_embedded(tx: Transaction, identifier: bytes, link: str) -> Session | None:
    """The same of a frame of *link* (an id)."""
    return _SESSIONS.first(tx, "AND id = ? AND embedded = ?", (identifier, link))


def owner(tx: Transaction, identifier: bytes) -> str | None:
    """Whose session it is, or was before it ended."""
    return tx.value(str, "SELECT subject FROM sessions WHERE id = ?", (identifier,))


def of_subject(tx: Transaction, subject: str, *, now: datetime, idle_since: datetime) -> list[Session]:
    """The sessions of *subject* that still work, the one seen last first."""
    return _SESSIONS.all(
        tx,
        "AND subject = ? AND until > ? AND seen > ? ORDER BY seen DESC, opened DESC",
        (subject, now, idle_since),
    )


def touch(tx: Transaction, identifier: bytes, *, now: datetime) -> None:
    tx.execute("UPDATE sessions SET seen = ? WHERE id = ? AND ended IS NULL", (now, identifier))


def end(tx: Transaction, identifier: bytes, *, subject: str, now: datetime) -> bool:
    """Ends a session of *subject*; False when there is none that goes on."""
    return tx.update("sessions", {"ended": now}, id=identifier, subject=subject, ended=None)


def end_all(tx: Transaction, subject: str, *, now: datetime, but: bytes = b"") -> int:
    """Ends every session of *subject* but one; how many there were."""
    return tx.change(
        "UPDATE sessions SET ended = ? WHERE subject = ? AND ended IS NULL AND id <> ?",
        (now, subject, but),
    )


def forget(tx: Transaction, before: datetime) -> None:
    """Removes sessions that were over before *before*, a hundred at most."""
    tx.forget_oldest("sessions", "id", "until", before=before)
