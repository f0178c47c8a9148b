"""Reminders that were derived, and the mails that carry them."""

from __future__ import annotations

from datetime import datetime

from appliance.model.notice import Duty, Occasion, Reminder, ReminderRole
from appliance.store.database import Transaction
from hsm.rows import RowMapper, columns

_SELECT = (
    "SELECT r.id, r.contract, r.occasion, r.step, r.recipient, r.part, r.about, r.anchor, r.due, r.made, r.closed"
    " FROM reminders AS r"
)


def insert(tx: Transaction, reminder: Reminder) -> int | None:
    """Keeps *reminder* (its ``id`` is not looked at), once: its new id, or None when it was there already."""
    return tx.value(
        int,
        "INSERT INTO reminders (contract, recipient, occasion, step, part, about, anchor, due, made)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (
            reminder.contract,
            reminder.duty.person,
            reminder.occasion,
            reminder.step,
            reminder.duty.role,
            reminder.duty.about,
            reminder.anchor,
            reminder.due,
            reminder.made,
        ),
    )


def open_of(tx: Transaction, contract_id: str, occasion: Occasion) -> list[Reminder]:
    """The reminders of a contract that still ask for something."""
    query = _SELECT + " WHERE r.contract = ? AND r.occasion = ? AND r.closed IS NULL ORDER BY r.id"
    return _REMINDERS.all(tx.execute(query, (contract_id, occasion)))


def close(tx: Transaction, reminder_id: int, at: datetime) -> None:
    """The reminder asks for nothing any more."""
    tx.execute("UPDATE reminders SET closed = ? WHERE id = ? AND closed IS NULL", (at, reminder_id))


def put_into(tx: Transaction, reminder_id: int, mail: int) -> None:
    """The reminder goes out with the message *mail* of the outbox."""
    tx.execute("UPDATE reminders SET mail = ? WHERE id = ?", (mail, reminder_id))


def in_mail(tx: Transaction, mail: int, *, limit: int) -> list[Reminder]:
    """The reminders of a message that still ask for something, the most pressing first."""
    query = _SELECT + " WHERE r.mail = ? AND r.closed IS NULL ORDER BY r.anchor, r.id LIMIT ?"
    return _REMINDERS.all(tx.execute(query, (mail, limit)))


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
    return _REMINDERS.all(tx.execute(query, (person, limit)))


def last_told(tx: Transaction, contract_id: str, person: str) -> datetime | None:
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


_REMINDERS = RowMapper(Reminder, duty=columns(_duty, "recipient", "part", "about"))
