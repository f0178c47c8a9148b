"""The days that contracts name beyond signing, in the database."""

from __future__ import annotations

from datetime import date

from appliance.model.reminder import ContractDate, Occasion
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def of_contract(tx: Transaction, contract_id: str) -> tuple[ContractDate, ...]:
    """The dates of a contract, by day."""
    rows = tx.execute(
        "SELECT kind, day, set_by, set_at FROM contract_dates WHERE contract = ? ORDER BY day, kind",
        (contract_id,),
    )
    return tuple(
        ContractDate(Occasion(row[0]), date.fromisoformat(row[1]), row[2], loaded(row[3])) for row in rows
    )


def keep(tx: Transaction, contract_id: str, entry: ContractDate) -> None:
    """Writes a date in place of an earlier one of its kind."""
    tx.execute(
        "INSERT INTO contract_dates (contract, kind, day, set_by, set_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contract, kind) DO UPDATE SET day = excluded.day, set_by = excluded.set_by,"
        " set_at = excluded.set_at",
        (contract_id, entry.kind, entry.day.isoformat(), entry.set_by, stored(entry.set_at)),
    )


def remove(tx: Transaction, contract_id: str, kind: Occasion) -> None:
    """Takes the date of this kind away."""
    tx.execute("DELETE FROM contract_dates WHERE contract = ? AND kind = ?", (contract_id, kind))
