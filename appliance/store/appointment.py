"""The one appointment that may be under way: kept while the authority is asked, gone when the account is there."""

from __future__ import annotations

from appliance.model.office import NewOfficer
from appliance.store.database import Transaction


def keep(tx: Transaction, new: NewOfficer) -> None:
    """Keeps *new* in place of an earlier one."""
    tx.execute(
        "INSERT OR REPLACE INTO appointment"
        " (one, subject, login, name, organisation, email, password, credential_id, public_key, sign_count)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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


def kept(tx: Transaction) -> NewOfficer | None:
    """The one that is kept, or None."""
    row = tx.execute(
        "SELECT subject, login, name, organisation, email, password, credential_id, public_key, sign_count"
        " FROM appointment"
    ).fetchone()
    return None if row is None else NewOfficer(*row)


def forget(tx: Transaction) -> None:
    """Drops what is kept."""
    tx.execute("DELETE FROM appointment")
