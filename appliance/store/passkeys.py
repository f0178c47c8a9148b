"""Passkeys to sign in with. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

import pysqlite3

from appliance.errors import StateRefused
from appliance.model.accounts import Passkey
from appliance.store.database import Transaction
from hsm.rows import RowMapper, fields_of

_PASSKEY = "SELECT credential AS credential_id, subject, public_key, sign_count, label, added, used FROM passkeys"
_PASSKEYS = RowMapper(Passkey)


def insert_passkey(tx: Transaction, passkey: Passkey) -> None:
    """A new passkey. Raises :class:`StateRefused` when it is known already."""
    try:
        tx.insert(
            "passkeys",
            {"credential": passkey.credential_id}
            | fields_of(passkey, "subject public_key sign_count label added"),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This passkey is registered here already.") from error


def find_passkey(tx: Transaction, credential_id: bytes) -> Passkey | None:
    """The passkey with this credential id."""
    return _PASSKEYS.first(tx.execute(f"{_PASSKEY} WHERE credential = ?", (credential_id,)))


def passkeys_of(tx: Transaction, subject: str) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    return _PASSKEYS.all(tx.execute(f"{_PASSKEY} WHERE subject = ? ORDER BY added, credential", (subject,)))


def use_passkey(tx: Transaction, passkey: Passkey, *, sign_count: int, now: datetime) -> bool:
    """Keeps the new counter; False when another request used the same one in between."""
    return (
        tx.change(
            "UPDATE passkeys SET sign_count = ?, used = ? WHERE credential = ? AND sign_count = ?",
            (sign_count, now, passkey.credential_id, passkey.sign_count),
        )
        == 1
    )


def remove_passkey(tx: Transaction, subject: str, credential_id: bytes) -> bool:
    """Removes a passkey of *subject*; False when there is none."""
    return tx.change("DELETE FROM passkeys WHERE subject = ? AND credential = ?", (subject, credential_id)) == 1


def remove_passkeys(tx: Transaction, subject: str) -> None:
    """Removes all passkeys of *subject*."""
    tx.execute("DELETE FROM passkeys WHERE subject = ?", (subject,))
