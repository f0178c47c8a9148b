"""Appointments that may be under way: kept while the authority is asked, gone when it refused or the account is
there."""

from __future__ import annotations

from appliance.model.office import NewOfficer
from appliance.store.database import Transaction


def save_appointment(tx: Transaction, new: NewOfficer) -> None:
    """Keeps *new* beside others; what is kept for the same subject and passkey stays as it is."""
    tx.execute(
        "INSERT INTO appointments"
        " (subject, login, name, organisation, email, password, credential_id, public_key, sign_count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            new.subject,
            new.login,
            new.name,
            new.organisation,
            new.email,
            new.password,
            new.credential_id,
            new.public_key,
            new.sign_count,
        ),
    )


def appointments(tx: Transaction) -> list[NewOfficer]:
    """All that are kept."""
    rows = tx.execute(
        "SELECT subject, login, name, organisation, email, password, credential_id, public_key, sign_count"
        " FROM appointments"
    )
    return [NewOfficer(*row) for row in rows]


def drop_appointment(tx: Transaction, new: NewOfficer) -> None:
    """Drops *new*, which the authority refused."""
    tx.execute(
        "DELETE FROM appointments WHERE subject = ? AND credential_id = ? AND public_key = ?",
        (new.subject, new.credential_id, new.public_key),
    )


def forget_appointments(tx: Transaction, subject: str) -> None:
    """Drops all that is kept for *subject*, whose account is there."""
    tx.execute("DELETE FROM appointments WHERE subject = ?", (subject,))
