"""The days that contracts name beyond signing, in the database."""

from __future__ import annotations

from appliance.model.notice import ContractDate, Occasion
from appliance.store.database import Transaction
from hsm.rows import RowMapper, fields_of

_DATES = RowMapper(ContractDate)


def dates_of(tx: Transaction, contract_id: str) -> tuple[ContractDate, ...]:
    """The dates of a contract, by day."""
    query = "SELECT kind, day, set_by, set_at FROM contract_dates WHERE contract = ? ORDER BY day, kind"
    return tuple(_DATES.all(tx.execute(query, (contract_id,))))


def save_date(tx: Transaction, contract_id: str, entry: ContractDate) -> None:
    """Writes a date in place of an earlier one of its kind."""
    tx.insert(
        "contract_dates",
        {"contract": contract_id} | fields_of(entry, "kind day set_by set_at"),
        conflict="ON CONFLICT (contract, kind) DO UPDATE"
        " SET day = excluded.day, set_by = excluded.set_by, set_at = excluded.set_at",
    )


def remove_date(tx: Transaction, contract_id: str, kind: Occasion) -> None:
    """Takes the date of this kind away."""
    tx.execute("DELETE FROM contract_dates WHERE contract = ? AND kind = ?", (contract_id, kind))
