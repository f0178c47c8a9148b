"""Who keeps which seal, in the database."""

from __future__ import annotations

from appliance.model.people import Seal
from appliance.store import people
from appliance.store.database import Transaction


def seals_kept_by(tx: Transaction, person: str) -> frozenset[str]:
    """The seals (subjects) in the custody of *person*."""
    return frozenset(tx.column(str, "SELECT seal FROM custodians WHERE person = ?", (person,)))


def seals_in_use_kept_by(tx: Transaction, person: str) -> list[Seal]:
    """The same as values, without those that are destroyed: they keep their custodians on record."""
    every = (people.seal(tx, subject) for subject in sorted(seals_kept_by(tx, person)))
    return [seal for seal in every if seal.destroyed is None]
