"""Failed attempts, from where somebody has signed in, and tickets that were spent. Each function runs in the
caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.store.database import Transaction

MOST = 50_000
"""Counts that are kept at most; of more, those go that nothing was added to for longest."""


def count(tx: Transaction, key: str, *, since: datetime) -> tuple[int, datetime | None]:
    """How many attempts stand under *key*, not counting those that ended before *since*, and the end of a wait."""
    row = tx.execute("SELECT count, until FROM throttle WHERE key = ? AND last >= ?", (key, since)).fetchone()
    if row is None:
        return 0, None
    attempts, until = row
    return attempts, until and datetime.fromisoformat(until)


def save_count(tx: Transaction, key: str, attempts: int, *, now: datetime, until: datetime | None) -> None:
    """Keeps how many attempts stand under *key*, and until when there is to be no other."""
    tx.save("throttle", {"key": key, "count": attempts, "last": now, "until": until}, key="key")


def clear(tx: Transaction, key: str) -> None:
    tx.execute("DELETE FROM throttle WHERE key = ?", (key,))


def give_back(tx: Transaction, key: str, *, until: datetime | None) -> None:
    """Takes one attempt back that turned out right, before which there was a wait *until* then."""
    tx.execute("UPDATE throttle SET count = max(0, count - 1), until = ? WHERE key = ?", (until, key))


def forget(tx: Transaction, before: datetime) -> None:
    """Removes counts without an addition since *before*, a hundred at most, and what is beyond :data:`MOST`."""
    tx.forget_oldest("throttle", "key", "last", before=before)
    tx.execute(
        "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle ORDER BY last DESC LIMIT -1 OFFSET ?)",
        (MOST,),
    )


def is_known(tx: Transaction, key: str, *, since: datetime) -> bool:
    """Whether *key*, of a login and a network, stands for a sign-in that succeeded *since* then."""
    query = "SELECT 1 FROM known_networks WHERE key = ? AND last >= ?"
    return tx.exists(query, (key, since))


def keep_known(tx: Transaction, key: str, *, now: datetime) -> None:
    """Somebody has just signed in: *key* stands for login and network."""
    tx.save("known_networks", {"key": key, "last": now}, key="key")


def forget_known(tx: Transaction, before: datetime) -> None:
    """Removes networks from which nobody signed in since *before*, a hundred at most."""
    tx.forget_oldest("known_networks", "key", "last", before=before)


def spend(tx: Transaction, digest: bytes, *, expires: datetime) -> bool:
    """Marks a ticket as used; False when it was used before."""
    row = {"digest": digest, "expires": expires}
    return tx.insert("spent_tickets", row, conflict="ON CONFLICT (digest) DO NOTHING") == 1


def forget_spent(tx: Transaction, now: datetime) -> None:
    """Removes spent tickets that would have expired by now, a hundred at most."""
    tx.forget_oldest("spent_tickets", "digest", "expires", before=now)
