"""Which of the authority's ceremonies are in the log. Each function runs in the caller's transaction."""

from __future__ import annotations

from appliance.store.database import Transaction


def ceremonies_in_log(tx: Transaction) -> dict[int, int]:
    """The log's entry of each ceremony that is there, by the ceremony's number."""
    return {int(number): int(entry) for number, entry in tx.execute("SELECT number, entry FROM ceremony_entries")}


def insert_ceremony_entry(tx: Transaction, number: int, entry: int) -> None:
    """The ceremony *number* is the log's *entry*."""
    tx.execute("INSERT INTO ceremony_entries (number, entry) VALUES (?, ?)", (number, entry))
