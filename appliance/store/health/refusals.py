"""Refused timestamp requests in the watch's database. Each function runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.store.database import Transaction


def add_refusals(tx: Transaction, process: str, counts: Mapping[str, int]) -> None:
    """What *process* has refused by now, by reason; what it had said before is not counted again."""
    for reason, count in counts.items():
        known = tx.value(
            int, "SELECT count FROM refusals_told WHERE process = ? AND reason = ?", (process, reason)
        )
        grown = count - (known or 0)
        if grown <= 0:
            continue
        tx.execute(
            "INSERT INTO refusals_told (process, reason, count) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (process, reason) DO UPDATE SET count = ?3",
            (process, reason, count),
        )
        tx.execute(
            "INSERT INTO refusals (reason, count) VALUES (?1, ?2)"
            " ON CONFLICT (reason) DO UPDATE SET count = count + ?2",
            (reason, grown),
        )


def refusal_sums(tx: Transaction) -> dict[str, int]:
    """How many there were of each reason."""
    return {str(reason): int(count) for reason, count in tx.execute("SELECT reason, count FROM refusals")}
