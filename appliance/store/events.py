"""Which log entries belong to a contract."""

from __future__ import annotations

from appliance.store.database import Transaction


def link(tx: Transaction, contract_id: str, entry: int) -> None:
    """*entry* is part of the contract's history."""
    tx.execute("INSERT INTO contract_events (contract, entry) VALUES (?, ?)", (contract_id, entry))


def of_contract(tx: Transaction, contract_id: str) -> tuple[int, ...]:
    """The entries of the contract's history, in order."""
    rows = tx.execute("SELECT entry FROM contract_events WHERE contract = ? ORDER BY entry", (contract_id,))
    return tuple(row[0] for row in rows)
