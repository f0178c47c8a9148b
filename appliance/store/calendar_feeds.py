"""Addresses of own calendars, and what stands in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from appliance.model.contract import ContractState
from appliance.model.reminder import Occasion
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """An address that works: since when, and when it was asked for last."""

    made: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class CalendarItem:
    """A contract in a calendar: its deadline (an instant) while it is being signed, or a day that it names."""

    contract: str
    title: str
    occasion: Occasion
    at: datetime | date
    version: int
    touched: datetime


def replace(tx: Transaction, person: str, digest: bytes, now: datetime) -> None:
    """A new address, known by its *digest*; an earlier one ends."""
    end(tx, person, now)
    tx.execute("INSERT INTO calendar_feeds (person, digest, made) VALUES (?, ?, ?)", (person, digest, stored(now)))


def end(tx: Transaction, person: str, now: datetime) -> bool:
    """The address of *person* works no more; False when there was none."""
    ended = tx.execute(
        "UPDATE calendar_feeds SET ended = ? WHERE person = ? AND ended IS NULL", (stored(now), person)
    )
    return bool(ended.rowcount)


def of_person(tx: Transaction, person: str) -> CalendarFeed | None:
    """The address of *person* that works."""
    row = tx.execute(
        "SELECT made, used FROM calendar_feeds WHERE person = ? AND ended IS NULL", (person,)
    ).fetchone()
    return None if row is None else CalendarFeed(loaded(row[0]), loaded(row[1]))


def owner(tx: Transaction, digest: bytes) -> str | None:
    """Whose address it is, while it works."""
    row = tx.execute("SELECT person FROM calendar_feeds WHERE digest = ? AND ended IS NULL", (digest,)).fetchone()
    return None if row is None else str(row[0])


def used(tx: Transaction, digest: bytes, now: datetime) -> None:
    """Somebody has asked for the calendar."""
    tx.execute("UPDATE calendar_feeds SET used = ? WHERE digest = ?", (stored(now), digest))


def deadlines(tx: Transaction, person: str, *, limit: int) -> list[CalendarItem]:
    """The signing deadlines of contracts under way that *person* has to do with, the first ones first."""
    rows = tx.execute(
        "SELECT c.id, c.title, c.deadline, c.version, c.touched FROM involvements AS i"
        " JOIN contracts AS c USING (number) WHERE i.person = ? AND i.bucket IN ('to-sign', 'waiting')"
        " AND c.state = ? ORDER BY i.deadline LIMIT ?",
        (person, ContractState.SENT, limit),
    )
    return [CalendarItem(row[0], row[1], Occasion.SIGNING, loaded(row[2]), row[3], loaded(row[4])) for row in rows]


def days(tx: Transaction, person: str, since: date, *, limit: int) -> list[CalendarItem]:
    """The days *since* then that completed contracts of *person* name, the first ones first."""
    rows = tx.execute(
        "SELECT c.id, c.title, d.kind, d.day, c.version, c.touched FROM involvements AS i"
        " CROSS JOIN contracts AS c ON c.number = i.number CROSS JOIN contract_dates AS d ON d.contract = c.id"
        " WHERE i.person = ? AND i.bucket = 'done' AND d.day >= ? ORDER BY d.day, c.id LIMIT ?",
        (person, since.isoformat(), limit),
    )
    return [
        CalendarItem(row[0], row[1], Occasion(row[2]), date.fromisoformat(row[3]), row[4], loaded(row[5]))
        for row in rows
    ]
