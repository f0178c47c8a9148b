"""Who is away until when, and who acts as deputy."""

from __future__ import annotations

from datetime import datetime

from appliance.model.people import Absence
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_ABSENCES = Query(Absence, "SELECT person, deputy, since, until, saved FROM absences")


def save_absence(tx: Transaction, absence: Absence) -> None:
    """In place of the one that the person had."""
    end_absence(tx, absence.person)
    tx.insert("absences", fields_of(absence, "person deputy since until saved"))


def end_absence(tx: Transaction, person: str) -> bool:
    """False where there was none."""
    return tx.changed("DELETE FROM absences WHERE person = ?", (person,))


def absence_of(tx: Transaction, person: str, now: datetime) -> Absence | None:
    """The absence of *person* that goes on or is to come."""
    return _ABSENCES.first(tx, "WHERE person = ? AND until > ?", (person, now))


def deputy_of(tx: Transaction, person: str, now: datetime) -> str | None:
    """Who acts for *person* now, if *person* is away and the deputy is still there."""
    return tx.value(
        str,
        "SELECT b.deputy FROM absences b JOIN accounts a ON a.subject = b.deputy AND a.state = 'active'"
        " WHERE b.person = ? AND b.since <= ? AND b.until > ?"
        " AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.subject = b.person)",
        (person, now, now),
    )


def deputised(tx: Transaction, deputy: str, now: datetime) -> list[Absence]:
    """The people for whom *deputy* acts now, by the end of their absence; nobody who has left, whose open parts an
    officer or the initiator gives to somebody."""
    return _ABSENCES.all(
        tx,
        "WHERE deputy = ? AND since <= ? AND until > ?"
        " AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.subject = absences.person)"
        " ORDER BY until, person",
        (deputy, now, now),
    )
