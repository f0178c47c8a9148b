"""Which contract replaces which, in the database."""

from __future__ import annotations

from appliance.store.database import Transaction


def insert_succession(tx: Transaction, contract_id: str, *, replaces: str) -> None:
    """*contract_id*, a new draft, replaces a contract that has ended."""
    tx.execute("INSERT INTO successions (contract, replaces) VALUES (?, ?)", (contract_id, replaces))


def successor(tx: Transaction, contract_id: str) -> str | None:
    """The contract that replaces this one; None while there is none but drafts that were thrown away."""
    return tx.value(
        str,
        "SELECT s.contract FROM successions AS s JOIN contracts AS c ON c.id = s.contract"
        " WHERE s.replaces = ? AND c.state <> 'discarded'",
        (contract_id,),
    )


def replaced(tx: Transaction, contract_id: str) -> str | None:
    """The contract that this one replaces, or None."""
    return tx.value(str, "SELECT replaces FROM successions WHERE contract = ?", (contract_id,))
