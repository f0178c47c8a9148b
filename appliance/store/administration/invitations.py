"""Invitations of administrators, by the SHA-256 of their token. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.administration import AdministratorInvitation
from appliance.store.database import Query, Transaction
from hsm.rows import fields_of

_INVITATIONS = Query(AdministratorInvitation, "SELECT login, made, expires, ended, code FROM invitations")


def insert(tx: Transaction, identifier: bytes, invitation: AdministratorInvitation, *, by: str) -> None:
    """A new invitation; an earlier one of the same administrator ends."""
    tx.execute(
        "UPDATE invitations SET ended = ?, password = NULL WHERE login = ? AND ended IS NULL",
        (invitation.made, invitation.login),
    )
    row = fields_of(invitation, "login made expires code") | {"id": identifier, "made_by": by}
    tx.insert("invitations", row)


def find(tx: Transaction, identifier: bytes) -> AdministratorInvitation | None:
    """The invitation, whether it still counts or not."""
    return _INVITATIONS.first(tx, "WHERE id = ?", (identifier,))


def move(tx: Transaction, identifier: bytes, after: bytes) -> None:
    """The invitation goes on under another identifier, and takes no code any more."""
    tx.execute("UPDATE invitations SET id = ?, code = NULL WHERE id = ? AND ended IS NULL", (after, identifier))


def count_wrong(tx: Transaction, identifier: bytes) -> int:
    """Counts a wrong code; how many there were."""
    return tx.count("UPDATE invitations SET wrong = wrong + 1 WHERE id = ? RETURNING wrong", (identifier,))


def keep_password(tx: Transaction, identifier: bytes, hashed: str) -> None:
    """Keeps the hash of the password that was chosen, until the second factor is there."""
    tx.execute("UPDATE invitations SET password = ? WHERE id = ? AND ended IS NULL", (hashed, identifier))


def password(tx: Transaction, identifier: bytes) -> str | None:
    """The hash that :func:`keep_password` kept."""
    return tx.value(str, "SELECT password FROM invitations WHERE id = ?", (identifier,))


def end(tx: Transaction, identifier: bytes, *, now: datetime) -> bool:
    """Uses the invitation up; False when it had ended."""
    return tx.update("invitations", {"ended": now, "password": None}, id=identifier, ended=None)


def end_of(tx: Transaction, login: str, *, now: datetime) -> None:
    """Ends whatever invitation of *login* is open."""
    tx.execute("UPDATE invitations SET ended = ?, password = NULL WHERE login = ? AND ended IS NULL", (now, login))
