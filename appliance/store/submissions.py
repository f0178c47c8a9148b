"""Forms that were sent once, in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.store.database import Transaction


def claim(tx: Transaction, subject: str, once: str, *, now: datetime, abandoned: datetime) -> bool:
    """True when the caller is the first to send it, or when who claimed it before *abandoned* never finished."""
    return tx.changed(
        "INSERT INTO submissions (subject, once, claimed) VALUES (?, ?, ?) ON CONFLICT (subject, once)"
        " DO UPDATE SET claimed = excluded.claimed WHERE made IS NULL AND claimed < ?",
        (subject, once, now, abandoned),
    )


def made(tx: Transaction, subject: str, once: str) -> tuple[bool, str | None]:
    """Whether the form is claimed, and the address of what it made, None while that is under way."""
    row = tx.execute("SELECT made FROM submissions WHERE subject = ? AND once = ?", (subject, once)).fetchone()
    if row is None:
        return False, None
    [address] = row
    return True, address


def finish(tx: Transaction, subject: str, once: str, address: str) -> None:
    """Remembers the address (a path of this site) of what the form made."""
    tx.update("submissions", {"made": address}, subject=subject, once=once, made=None)


def release(tx: Transaction, subject: str, once: str) -> None:
    """Forgets a claim that made nothing."""
    tx.execute("DELETE FROM submissions WHERE subject = ? AND once = ? AND made IS NULL", (subject, once))


def forget(tx: Transaction, before: datetime) -> None:
    """Removes those claimed earlier than *before*, a hundred at most."""
    tx.forget_oldest("submissions", "subject, once", "claimed", before=before)
