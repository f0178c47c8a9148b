"""Which pages of a contract somebody has been shown, and when they went on."""

from __future__ import annotations

from datetime import datetime

from appliance.store.database import Transaction


def pages_read(tx: Transaction, contract: str, person: str) -> int:
    """How many pages *person* has read; they are read in their order."""
    return tx.count(
        "SELECT count(*) FROM readings WHERE contract = ? AND person = ? AND read IS NOT NULL", (contract, person)
    )


def show_page(tx: Transaction, contract: str, person: str, page: int, at: datetime) -> datetime:
    """Since when the *page* (from 1) has been shown: *at*, unless it was shown before."""
    tx.execute(
        "INSERT INTO readings (contract, person, page, shown) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (contract, person, page, at),
    )
    return shown_since(tx, contract, person, page) or at


def shown_since(tx: Transaction, contract: str, person: str, page: int) -> datetime | None:
    """Since when the *page* has been shown; None where it has not."""
    found = tx.value(
        str, "SELECT shown FROM readings WHERE contract = ? AND person = ? AND page = ?", (contract, person, page)
    )
    return None if found is None else datetime.fromisoformat(found)


def finish_page(tx: Transaction, contract: str, person: str, page: int, at: datetime) -> None:
    tx.update("readings", {"read": at}, contract=contract, person=person, page=page)


def reading_began(tx: Transaction, contract: str, person: str) -> datetime | None:
    """When the first page was shown."""
    found = tx.value(str, "SELECT min(shown) FROM readings WHERE contract = ? AND person = ?", (contract, person))
    return None if found is None else datetime.fromisoformat(found)
