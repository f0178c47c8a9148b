"""Which log entries belong to a contract."""

from __future__ import annotations

from appliance.store.database import Transaction


def link_to_contract(tx: Transaction, contract_id: str, entry: int) -> None:
    """*entry* is part of the contract's history."""
    tx.execute("INSERT INTO contract_events (contract, entry) VALUES (?, ?)", (contract_id, entry))


def last_leaf_of(tx: Transaction, contract_id: str) -> bytes | None:
    """The leaf of the contract's newest entry; None before the first."""
    return tx.value(
        bytes,
        "SELECT l.leaf FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
        " WHERE e.contract = ? ORDER BY e.entry DESC LIMIT 1",
        (contract_id,),
    )


def entries_of(tx: Transaction, contract_id: str) -> tuple[int, ...]:
    """The entries of the contract's history, in order."""
    query = "SELECT entry FROM contract_events WHERE contract = ? ORDER BY entry"
    return tuple(tx.column(int, query, (contract_id,)))


def history_of(tx: Transaction, contract_id: str) -> list[tuple[int, bytes, bytes | None]]:
    """The contract's history: number, leaf, and the opening of the leaf's commitments (None without or erased)."""
    found: list[tuple[int, bytes, bytes | None]] = tx.execute(
        "SELECT e.entry, l.leaf, o.fields FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
        " LEFT JOIN openings AS o ON o.entry = e.entry WHERE e.contract = ? ORDER BY e.entry",
        (contract_id,),
    ).fetchall()
    return found
