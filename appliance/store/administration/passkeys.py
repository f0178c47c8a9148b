"""What administrators registered to sign acts with. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import StateRefused
from appliance.model.administration import AdministratorPasskey
from appliance.store.database import Query, Transaction, refusing
from hsm.rows import fields_of

_PASSKEY = "SELECT credential AS credential_id, login, public_key, sign_count, label, added FROM passkeys"
_PASSKEYS = Query(AdministratorPasskey, _PASSKEY)


def insert(tx: Transaction, passkey: AdministratorPasskey) -> None:
    """A new one. Raises :class:`StateRefused` when it is known already, or was before it was removed."""
    with refusing(
        StateRefused(
            "This passkey is registered here already, or was and is removed; have the device make a new one."
        )
    ):
        row = fields_of(passkey, "login public_key sign_count label added")
        tx.insert("passkeys", row | {"credential": passkey.credential_id})


def of_login(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """Those of one administrator, oldest first."""
    return _PASSKEYS.all(tx, "WHERE login = ? AND removed IS NULL ORDER BY added, credential", (login,))


def ever_of_login(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """The same with those that were removed."""
    return _PASSKEYS.all(tx, "WHERE login = ? ORDER BY added, credential", (login,))


def everybodys(tx: Transaction) -> list[AdministratorPasskey]:
    """All of them, by login, oldest first."""
    return _PASSKEYS.all(tx, "WHERE removed IS NULL ORDER BY login, added, credential")


def use(tx: Transaction, credential_id: bytes, *, sign_count: int) -> None:
    """Keeps the authenticator's counter."""
    tx.update("passkeys", {"sign_count": sign_count}, credential=credential_id, removed=None)


def remove(tx: Transaction, login: str, credential_id: bytes, *, now: datetime) -> bool:
    """Removes one of *login*'s, for good; False when there is none. Its id stays known with its counter."""
    return tx.update("passkeys", {"removed": now}, login=login, credential=credential_id, removed=None)


def remove_all(tx: Transaction, login: str, *, now: datetime) -> None:
    """Removes all of *login*'s, for good."""
    tx.execute("UPDATE passkeys SET removed = ? WHERE login = ? AND removed IS NULL", (now, login))
