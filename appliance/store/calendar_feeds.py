"""Addresses of own calendars, and what stands in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from appliance.model.contract import ContractState
from appliance.model.notice import Occasion
from appliance.store.database import Query, Transaction


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


_FEEDS = Query(CalendarFeed, "SELECT made, used FROM calendar_feeds")
_DEADLINES = Query(CalendarItem, at=datetime.fromisoformat)
_DAYS = Query(CalendarItem, at=date.fromisoformat)


def replace(tx: Transaction, person: str, digest: bytes, now: datetime) -> None:
    """A new address, known by its *digest*; an earlier one ends."""
    end(tx, person, now)
    tx.execute("INSERT INTO calendar_feeds (person, digest, made) VALUES (?, ?, ?)", (person, digest, now))


def end(tx: Transaction, person: str, now: datetime) -> bool:
    """The address of *person* works no more; False when there was none."""
    return tx.changed("UPDATE calendar_feeds SET ended = ? WHERE person = ? AND ended IS NULL", (now, person))


def of_person(tx: Transaction, person: str) -> CalendarFeed | None:
    """The address of *person* that works."""
    return _FEEDS.first(tx, "WHERE person = ? AND ended IS NULL", (person,))


def owner(tx: Transaction, digest: bytes) -> str | None:
    """Whose address it is, while it works."""
    return tx.value(str, "SELECT person FROM calendar_feeds WHERE digest = ? AND ended IS NULL", (digest,))


def used(tx: Transaction, digest: bytes, now: datetime) -> None:
    """Somebody has asked for the calendar."""
    tx.execute("UPDATE calendar_feeds SET used = ? WHERE digest = ?", (now, digest))


def deadlines(tx: Transaction, person: str, *, limit: int) -> list[CalendarItem]:
    """The signing deadlines of contracts under way that *person* has to do with, the first ones first."""
    return _DEADLINES.all(
        tx,
        "SELECT c.id AS contract, c.title, c.deadline AS at, c.version, c.touched FROM involvements AS i"
        " JOIN contracts AS c USING (number) WHERE i.person = ? AND i.bucket IN ('to-sign', 'waiting')"
        " AND c.state = ? ORDER BY i.deadline LIMIT ?",
        (person, ContractState.SENT, limit),
        occasion=Occasion.SIGNING,
    )


def days(tx: Transaction, person: str, since: date, *, limit: int) -> list[CalendarItem]:
    """The days *since* then that completed contracts of *person* name, the first ones first."""
    return _DAYS.all(
        tx,
        "SELECT c.id AS contract, c.title, d.kind AS occasion, d.day AS at, c.version, c.touched"
        " FROM involvements AS i"
        " CROSS JOIN contracts AS c ON c.number = i.number CROSS JOIN contract_dates AS d ON d.contract = c.id"
        " WHERE i.person = ? AND i.bucket = 'done' AND d.day >= ? ORDER BY d.day, c.id LIMIT ?",
        (person, since.isoformat(), limit),
    )
