"""Identity records in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.model.identity import Against, IdentityDocument, IdentityRecord
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_COLUMNS = (
    "id, person, document, commitment, ending, against, note, checked_by, answers, since, until, renews, entry,"
    " withdrawn, withdrawn_by, reason"
)


def insert(tx: Transaction, record: IdentityRecord, *, salt: str) -> None:
    """A new record; *salt* (64 hex digits) is that of its commitment."""
    tx.execute(
        "INSERT INTO identity_records (id, person, document, salt, commitment, ending, against, note, checked_by,"
        " answers, since, until, renews, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            record.person,
            record.document,
            salt,
            record.commitment,
            record.ending,
            record.against,
            record.note,
            record.checked_by,
            record.answers,
            stored(record.since),
            stored(record.until),
            record.renews,
            record.entry,
        ),
    )


def withdraw(tx: Transaction, record_id: str, *, by: str, at: datetime, reason: str) -> None:
    """The record no longer counts. Raises :class:`StateRefused` when it was withdrawn already."""
    done = tx.execute(
        "UPDATE identity_records SET withdrawn = ?, withdrawn_by = ?, reason = ?"
        " WHERE id = ? AND withdrawn IS NULL",
        (stored(at), by, reason, record_id),
    )
    if done.rowcount != 1:
        raise StateRefused("This identity check has been withdrawn already.")


def salt(tx: Transaction, record_id: str) -> str:
    """The salt of a record's commitment, for who has the document and compares."""
    row = tx.execute("SELECT salt FROM identity_records WHERE id = ?", (record_id,)).fetchone()
    if row is None:
        raise NotFound("There is no identity check {record}.", record=record_id)
    return str(row[0])


def load(tx: Transaction, record_id: str, *, person: str | None = None) -> IdentityRecord:
    """The record with this id, of *person* where one is given. Raises :class:`NotFound`."""
    found = [each for each in _select(tx, "id = ?", (record_id,)) if person in (None, each.person)]
    if not found:
        raise NotFound("There is no identity check {record}.", record=record_id)
    return found[0]


def of_person(tx: Transaction, person: str) -> list[IdentityRecord]:
    """Every record of *person*, the newest first."""
    return _select(tx, "person = ? ORDER BY since DESC, rowid DESC", (person,))


def current(tx: Transaction, person: str, now: datetime) -> IdentityRecord | None:
    """The newest record of *person* that is good at *now*."""
    return next((record for record in of_person(tx, person) if record.good(now)), None)


def _select(tx: Transaction, condition: str, values: Sequence[object]) -> list[IdentityRecord]:
    query = f"SELECT {_COLUMNS} FROM identity_records WHERE {condition}"  # noqa: S608 -- literals of this module
    return [_record(row) for row in tx.execute(query, values)]


def _record(row: tuple[Any, ...]) -> IdentityRecord:
    return IdentityRecord(
        id=row[0],
        person=row[1],
        document=IdentityDocument(row[2]),
        commitment=row[3],
        ending=row[4],
        against=Against(row[5]),
        note=row[6],
        checked_by=row[7],
        answers=row[8],
        since=loaded(row[9]),
        until=loaded(row[10]),
        renews=row[11],
        entry=row[12],
        withdrawn=loaded(row[13]),
        withdrawn_by=row[14],
        reason=row[15],
    )
