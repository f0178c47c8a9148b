"""Reminders that were derived, with the mails that carry them; when they are to be derived next (triggers mark
the plans that a change concerns); what people wish about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from appliance.model.contract import ContractState
from appliance.model.notice import Duty, Occasion, QuietHours, Reminder, ReminderPreferences, ReminderRole
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of

_SELECT = (
    "SELECT r.id, r.contract, r.occasion, r.step, r.recipient, r.part, r.about, r.anchor, r.due, r.made, r.closed"
    " FROM reminders AS r"
)


def insert_reminder(tx: Transaction, reminder: Reminder) -> int | None:
    """Keeps *reminder* (its ``id`` is not looked at), once: its new id, or None when it was there already."""
    duty = {"recipient": reminder.duty.person, "part": reminder.duty.role, "about": reminder.duty.about}
    return tx.insert_new("reminders", fields_of(reminder, "contract occasion step anchor due made") | duty)


def open_of(tx: Transaction, contract_id: str, occasion: Occasion) -> list[Reminder]:
    """The reminders of a contract that still ask for something."""
    query = _SELECT + " WHERE r.contract = ? AND r.occasion = ? AND r.closed IS NULL ORDER BY r.id"
    return _REMINDERS.all(tx, query, (contract_id, occasion))


def close(tx: Transaction, reminder_id: int, at: datetime) -> None:
    """The reminder asks for nothing any more."""
    tx.execute("UPDATE reminders SET closed = ? WHERE id = ? AND closed IS NULL", (at, reminder_id))


def put_into(tx: Transaction, reminder_id: int, mail: int) -> None:
    """The reminder goes out with the message *mail* of the outbox."""
    tx.execute("UPDATE reminders SET mail = ? WHERE id = ?", (mail, reminder_id))


def in_mail(tx: Transaction, mail: int, *, limit: int) -> list[Reminder]:
    """The reminders of a message that still ask for something, the most pressing first."""
    query = _SELECT + " WHERE r.mail = ? AND r.closed IS NULL ORDER BY r.anchor, r.id LIMIT ?"
    return _REMINDERS.all(tx, query, (mail, limit))


def open_in_mail(tx: Transaction, mail: int, now: datetime) -> tuple[int, bool]:
    """How many reminders of a message still ask for something; whether one of them is just being derived anew."""
    [[count, due]] = tx.execute(
        "SELECT count(*), coalesce(max(p.next_due <= ?), 0) FROM reminders AS r"
        " JOIN reminder_plans AS p ON p.contract = r.contract AND p.occasion = r.occasion"
        " WHERE r.mail = ? AND r.closed IS NULL",
        (now, mail),
    )
    return count, bool(due)


def newest(tx: Transaction, person: str, *, limit: int) -> list[Reminder]:
    """The newest reminders of *person* that still ask for something."""
    query = _SELECT + " WHERE r.recipient = ? AND r.closed IS NULL ORDER BY r.made DESC, r.id DESC LIMIT ?"
    return _REMINDERS.all(tx, query, (person, limit))


def last_notified(tx: Transaction, contract_id: str, person: str) -> datetime | None:
    """When *person* was last told of the contract by something that asks or dates, other than a reminder."""
    return tx.value(
        datetime,
        "SELECT max(due) FROM outbox WHERE contract = ? AND recipient = ? AND kind IN"
        " ('your-turn', 'seal-turn', 'guest-invited', 'seal-requested', 'extended', 'handed-over')",
        (contract_id, person),
    )


def last_dated(tx: Transaction, contract_id: str) -> datetime | None:
    """When the contract was sent, got its present deadline or was completed, whichever came last."""
    return tx.value(
        datetime,
        "SELECT max(at) FROM contract_changes WHERE contract = ? AND kind IN"
        " ('contract-sent', 'deadline-extended', 'contract-completed')",
        (contract_id,),
    )


def last_mail(tx: Transaction, person: str) -> datetime | None:
    """When the last mail with reminders went to *person*, or may have."""
    return tx.value(
        datetime,
        "SELECT max(settled) FROM outbox WHERE recipient = ? AND kind = 'reminders'"
        " AND state IN ('sent', 'unknown')",
        (person,),
    )


def _duty(recipient: str, part: str, about: str) -> Duty:
    return Duty(recipient, ReminderRole(part), about)


_REMINDERS = Query(Reminder, duty=columns(_duty, "recipient", "part", "about"))


def preferences_of(tx: Transaction, person: str) -> ReminderPreferences:
    """The wishes of *person*; none when there is no row."""
    return (
        _PREFERENCES.first(
            tx, "SELECT quiet_start, quiet_until, daily FROM reminder_wishes WHERE person = ?", (person,)
        )
        or ReminderPreferences()
    )


def _quiet(start: str | None, until: str) -> QuietHours | None:
    return None if start is None else QuietHours(time.fromisoformat(start), time.fromisoformat(until))


_PREFERENCES = Query(ReminderPreferences, quiet=columns(_quiet, "quiet_start", "quiet_until"))


def save_preferences(tx: Transaction, person: str, wishes: ReminderPreferences) -> None:
    """Writes the *wishes* of *person* in place of earlier ones."""
    quiet = wishes.quiet
    times = {"quiet_start": quiet and quiet.start, "quiet_until": quiet and quiet.until, "daily": wishes.daily}
    told = {name: None if at is None else f"{at:%H:%M}" for name, at in times.items()}
    tx.save("reminder_wishes", {"person": person} | told, key="person")


AT_ONCE = ""

Plan = tuple[str, Occasion]
"""The id of a contract, and what is reminded of."""


def due_plans(tx: Transaction, now: datetime, *, limit: int) -> list[Plan]:
    """Plans of which something is to be derived: those that were changed, then the oldest."""
    rows = tx.execute(
        "SELECT contract, occasion FROM reminder_plans WHERE next_due <= ? ORDER BY next_due LIMIT ?",
        (now, limit),
    )
    return [(contract, Occasion(occasion)) for contract, occasion in rows]


def set_next(tx: Transaction, plan: Plan, next_due: datetime | None) -> None:
    """Nothing is to be derived of *plan* before *next_due*, or (None) until something changes."""
    moment = next_due
    tx.execute("UPDATE reminder_plans SET next_due = ? WHERE contract = ? AND occasion = ?", (moment, *plan))


def mark_touched(tx: Transaction) -> None:
    """Marks the plans of everybody whose account, zone or wishes have changed."""
    for (person,) in tx.execute("SELECT person FROM reminder_touched").fetchall():
        tx.execute(
            "UPDATE reminder_plans SET next_due = '' WHERE contract IN ("
            "SELECT contracts.id FROM involvements JOIN contracts USING (number)"
            " WHERE involvements.person = ?1 AND bucket IN ('to-sign', 'waiting')"
            " UNION SELECT contract FROM seal_requests WHERE state = 'waiting'"
            " AND seal IN (SELECT seal FROM custodians WHERE person = ?1))",
            (person,),
        )
        tx.execute(
            "UPDATE reminder_plans SET next_due = '' WHERE next_due > '' AND occasion <> 'signing'"
            " AND contract IN (SELECT contracts.id FROM involvements JOIN contracts USING (number)"
            " WHERE involvements.person = ? AND bucket = 'done')",
            (person,),
        )
        tx.execute("DELETE FROM reminder_touched WHERE person = ?", (person,))


def is_anybody_touched(tx: Transaction) -> bool:
    """Whether :func:`mark_touched` has something to do."""
    return tx.exists("SELECT 1 FROM reminder_touched LIMIT 1")


def mark_all(tx: Transaction) -> None:
    """Marks every plan: the rules are others."""
    tx.execute(
        "UPDATE reminder_plans SET next_due = '' WHERE next_due IS NOT NULL"
        " OR (occasion = 'signing' AND contract IN (SELECT id FROM contracts WHERE state = 'sent'))"
    )


def waiting_since(tx: Transaction, before: datetime) -> int:
    """How many plans should have been derived *before* that moment, at most 1,000."""
    return tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM reminder_plans WHERE next_due <= ? LIMIT 1000)", (before,)
    )


def clock(tx: Transaction) -> tuple[datetime | None, str]:
    """When reminders were derived last, and the fingerprint of the rules."""
    [[ticked, rules]] = tx.execute("SELECT ticked, rules FROM reminder_clock WHERE id = 1")
    return ticked and datetime.fromisoformat(ticked), rules


def set_clock(tx: Transaction, ticked: datetime, rules: str) -> None:
    """Reminders were derived at *ticked*, by these *rules*."""
    tx.execute("UPDATE reminder_clock SET ticked = ?, rules = ? WHERE id = 1", (ticked, rules))


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


def replace_feed(tx: Transaction, person: str, digest: bytes, now: datetime) -> None:
    """A new address, known by its *digest*; an earlier one ends."""
    end_feed(tx, person, now)
    tx.execute("INSERT INTO calendar_feeds (person, digest, made) VALUES (?, ?, ?)", (person, digest, now))


def end_feed(tx: Transaction, person: str, now: datetime) -> bool:
    """The address of *person* works no more; False when there was none."""
    return tx.changed("UPDATE calendar_feeds SET ended = ? WHERE person = ? AND ended IS NULL", (now, person))


def feed_of(tx: Transaction, person: str) -> CalendarFeed | None:
    """The address of *person* that works."""
    return _FEEDS.first(tx, "WHERE person = ? AND ended IS NULL", (person,))


def feed_owner(tx: Transaction, digest: bytes) -> str | None:
    """Whose address it is, while it works."""
    return tx.value(str, "SELECT person FROM calendar_feeds WHERE digest = ? AND ended IS NULL", (digest,))


def mark_feed_used(tx: Transaction, digest: bytes, now: datetime) -> None:
    """Somebody has asked for the calendar."""
    tx.execute("UPDATE calendar_feeds SET used = ? WHERE digest = ?", (now, digest))


def feed_deadlines(tx: Transaction, person: str, *, limit: int) -> list[CalendarItem]:
    """The signing deadlines of contracts under way that *person* has to do with, the first ones first."""
    return _DEADLINES.all(
        tx,
        "SELECT c.id AS contract, c.title, c.deadline AS at, c.version, c.touched FROM involvements AS i"
        " JOIN contracts AS c USING (number) WHERE i.person = ? AND i.bucket IN ('to-sign', 'waiting')"
        " AND c.state = ? ORDER BY i.deadline LIMIT ?",
        (person, ContractState.SENT, limit),
        occasion=Occasion.SIGNING,
    )


def feed_days(tx: Transaction, person: str, since: date, *, limit: int) -> list[CalendarItem]:
    """The days *since* then that completed contracts of *person* name, the first ones first."""
    return _DAYS.all(
        tx,
        "SELECT c.id AS contract, c.title, d.kind AS occasion, d.day AS at, c.version, c.touched"
        " FROM involvements AS i"
        " CROSS JOIN contracts AS c ON c.number = i.number CROSS JOIN contract_dates AS d ON d.contract = c.id"
        " WHERE i.person = ? AND i.bucket = 'done' AND d.day >= ?"
        " AND NOT EXISTS (SELECT 1 FROM amendments_in_force AS m"
        " WHERE m.earlier = c.id AND m.kind <> 'supplement' AND m.effective <= d.day)"
        " ORDER BY d.day, c.number LIMIT ?",
        (person, since.isoformat(), limit),
    )
