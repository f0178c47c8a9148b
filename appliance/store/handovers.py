"""Who handed a signature over to whom, in the database."""

from __future__ import annotations

from datetime import datetime

from appliance.store.database import Transaction


def insert_handover(tx: Transaction, *, party: str, giver: str, recipient: str, reason: str, at: datetime) -> None:
    """*giver* hands *party* over to *recipient* (subjects)."""
    tx.execute(
        "INSERT INTO handovers (contract, party, giver, recipient, reason, at)"
        " SELECT contract, id, ?, ?, ?, ? FROM parties WHERE id = ?",
        (giver, recipient, reason, at, party),
    )


def handover_givers(tx: Transaction, contract_id: str) -> tuple[str, ...]:
    """Those who handed over in this contract, each once, by subject."""
    query = "SELECT DISTINCT giver FROM handovers WHERE contract = ? ORDER BY giver"
    return tuple(tx.column(str, query, (contract_id,)))
