"""What administrators registered to sign acts with. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import StateRefused
from appliance.model.administration import AdministratorPasskey
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_PASSKEY = "SELECT credential, login, public_key, sign_count, label, added FROM passkeys"


def insert(tx: Transaction, passkey: AdministratorPasskey) -> None:
    """A new one. Raises :class:`StateRefused` when it is known already, or was before it was removed."""
    try:
        tx.execute(
            "INSERT INTO passkeys (credential, login, public_key, sign_count, label, added)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                passkey.credential_id,
                passkey.login,
                passkey.public_key,
                passkey.sign_count,
                passkey.label,
                stored(passkey.added),
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused(
            "This passkey is registered here already, or was and is removed; have the device make a new one."
        ) from error


def of_login(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """Those of one administrator, oldest first."""
    rows = tx.execute(f"{_PASSKEY} WHERE login = ? AND removed IS NULL ORDER BY added, credential", (login,))
    return [_passkey(row) for row in rows]


def ever_of_login(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """The same with those that were removed."""
    rows = tx.execute(f"{_PASSKEY} WHERE login = ? ORDER BY added, credential", (login,))
    return [_passkey(row) for row in rows]


def everybodys(tx: Transaction) -> list[AdministratorPasskey]:
    """All of them, by login, oldest first."""
    return [
        _passkey(row) for row in tx.execute(f"{_PASSKEY} WHERE removed IS NULL ORDER BY login, added, credential")
    ]


def use(tx: Transaction, credential_id: bytes, *, sign_count: int) -> None:
    """Keeps the authenticator's counter."""
    tx.execute(
        "UPDATE passkeys SET sign_count = ? WHERE credential = ? AND removed IS NULL", (sign_count, credential_id)
    )


def remove(tx: Transaction, login: str, credential_id: bytes, *, now: datetime) -> bool:
    """Removes one of *login*'s, for good; False when there is none. Its id stays known with its counter."""
    done = tx.execute(
        "UPDATE passkeys SET removed = ? WHERE login = ? AND credential = ? AND removed IS NULL",
        (stored(now), login, credential_id),
    )
    return bool(done.rowcount == 1)


def remove_all(tx: Transaction, login: str, *, now: datetime) -> None:
    """Removes all of *login*'s, for good."""
    tx.execute("UPDATE passkeys SET removed = ? WHERE login = ? AND removed IS NULL", (stored(now), login))


def _passkey(row: tuple[Any, ...]) -> AdministratorPasskey:
    added: datetime = loaded(row[5])
    return AdministratorPasskey(bytes(row[0]), row[1], bytes(row[2]), int(row[3]), row[4], added)
