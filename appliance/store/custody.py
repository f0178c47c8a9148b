"""Who keeps which seal, in the database."""

from __future__ import annotations

from appliance.store.database import Transaction


def seals_kept_by(tx: Transaction, person: str) -> frozenset[str]:
    """The seals (subjects) in the custody of *person*."""
    rows = tx.execute("SELECT seal FROM custodians WHERE person = ?", (person,))
    return frozenset(row[0] for row in rows)
