"""Invitations of administrators, by the SHA-256 of their token. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.administration import AdministratorInvitation
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def insert(tx: Transaction, identifier: bytes, invitation: AdministratorInvitation, *, by: str) -> None:
    """A new invitation; an earlier one of the same administrator ends."""
    tx.execute(
        "UPDATE invitations SET ended = ?, password = NULL WHERE login = ? AND ended IS NULL",
        (stored(invitation.made), invitation.login),
    )
    tx.execute(
        "INSERT INTO invitations (id, login, made, made_by, expires, code) VALUES (?, ?, ?, ?, ?, ?)",
        (identifier, invitation.login, stored(invitation.made), by, stored(invitation.expires), invitation.code),
    )


def find(tx: Transaction, identifier: bytes) -> AdministratorInvitation | None:
    """The invitation, whether it still counts or not."""
    row = tx.execute(
        "SELECT login, made, expires, ended, code FROM invitations WHERE id = ?", (identifier,)
    ).fetchone()
    if row is None:
        return None
    code = None if row[4] is None else bytes(row[4])
    return AdministratorInvitation(row[0], loaded(row[1]), loaded(row[2]), loaded(row[3]), code)


def move(tx: Transaction, identifier: bytes, after: bytes) -> None:
    """The invitation goes on under another identifier, and takes no code any more."""
    tx.execute("UPDATE invitations SET id = ?, code = NULL WHERE id = ? AND ended IS NULL", (after, identifier))


def count_wrong(tx: Transaction, identifier: bytes) -> int:
    """Counts a wrong code; how many there were."""
    row = tx.execute(
        "UPDATE invitations SET wrong = wrong + 1 WHERE id = ? RETURNING wrong", (identifier,)
    ).fetchone()
    return int(row[0])


def keep_password(tx: Transaction, identifier: bytes, hashed: str) -> None:
    """Keeps the hash of the password that was chosen, until the second factor is there."""
    tx.execute("UPDATE invitations SET password = ? WHERE id = ? AND ended IS NULL", (hashed, identifier))


def password(tx: Transaction, identifier: bytes) -> str | None:
    """The hash that :func:`keep_password` kept."""
    row = tx.execute("SELECT password FROM invitations WHERE id = ?", (identifier,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def end(tx: Transaction, identifier: bytes, *, now: datetime) -> bool:
    """Uses the invitation up; False when it had ended."""
    done = tx.execute(
        "UPDATE invitations SET ended = ?, password = NULL WHERE id = ? AND ended IS NULL",
        (stored(now), identifier),
    )
    return bool(done.rowcount == 1)


def end_of(tx: Transaction, login: str, *, now: datetime) -> None:
    """Ends whatever invitation of *login* is open."""
    tx.execute(
        "UPDATE invitations SET ended = ?, password = NULL WHERE login = ? AND ended IS NULL", (stored(now), login)
    )
