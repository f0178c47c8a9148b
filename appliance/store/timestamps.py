"""Every issued timestamp's serial number, in the database: unique for ever."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.store.database import Transaction


def register_timestamps(tx: Transaction, serials: Sequence[int], first_entry: int) -> None:
    """Keeps *serials* (at most 160 bits), whose entries in the log are numbered from *first_entry*.

    Raises ``IntegrityError`` when one of them was issued before.
    """
    rows = ((serial.to_bytes(20), entry) for entry, serial in enumerate(serials, first_entry))
    tx.executemany("INSERT INTO timestamps (serial, entry) VALUES (?, ?)", rows)


def entry_of_timestamp(tx: Transaction, serial: int) -> int | None:
    """The number of the entry that records the timestamp with *serial*; None when it is not one of ours."""
    return tx.value(int, "SELECT entry FROM timestamps WHERE serial = ?", (serial.to_bytes(20),))


def count_timestamps(tx: Transaction) -> int:
    """How many timestamps were issued."""
    return tx.count("SELECT count(*) FROM timestamps")
