"""Passkeys to sign in with. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import StateRefused
from appliance.model.accounts import Passkey
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_PASSKEY = "SELECT credential, subject, public_key, sign_count, label, added, used FROM passkeys"


def insert(tx: Transaction, passkey: Passkey) -> None:
    """A new passkey. Raises :class:`StateRefused` when it is known already."""
    try:
        tx.execute(
            "INSERT INTO passkeys (credential, subject, public_key, sign_count, label, added)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                passkey.credential_id,
                passkey.subject,
                passkey.public_key,
                passkey.sign_count,
                passkey.label,
                stored(passkey.added),
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This passkey is registered here already.") from error


def find(tx: Transaction, credential_id: bytes) -> Passkey | None:
    """The passkey with this credential id."""
    row = tx.execute(f"{_PASSKEY} WHERE credential = ?", (credential_id,)).fetchone()
    return None if row is None else _passkey(row)


def of_subject(tx: Transaction, subject: str) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    rows = tx.execute(f"{_PASSKEY} WHERE subject = ? ORDER BY added, credential", (subject,))
    return [_passkey(row) for row in rows]


def use(tx: Transaction, passkey: Passkey, *, sign_count: int, now: datetime) -> bool:
    """Keeps the new counter; False when another request used the same one in between."""
    done = tx.execute(
        "UPDATE passkeys SET sign_count = ?, used = ? WHERE credential = ? AND sign_count = ?",
        (sign_count, stored(now), passkey.credential_id, passkey.sign_count),
    )
    return bool(done.rowcount == 1)


def remove(tx: Transaction, subject: str, credential_id: bytes) -> bool:
    """Removes a passkey of *subject*; False when there is none."""
    done = tx.execute("DELETE FROM passkeys WHERE subject = ? AND credential = ?", (subject, credential_id))
    return bool(done.rowcount == 1)


def remove_all(tx: Transaction, subject: str) -> None:
    """Removes all passkeys of *subject*."""
    tx.execute("DELETE FROM passkeys WHERE subject = ?", (subject,))


def _passkey(row: tuple[Any, ...]) -> Passkey:
    return Passkey(bytes(row[0]), row[1], bytes(row[2]), int(row[3]), row[4], loaded(row[5]), loaded(row[6]))
