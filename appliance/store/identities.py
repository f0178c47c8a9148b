"""Identity records in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.people import IdentityRecord
from appliance.store.database import Transaction
from hsm.rows import RowMapper, fields_of

_COLUMNS = (
    "id, person, document, commitment, ending, against, note, checked_by, answers, since, until, renews, entry,"
    " withdrawn, withdrawn_by, reason"
)

_RECORDS = RowMapper(IdentityRecord)


def insert_identity(tx: Transaction, record: IdentityRecord, *, salt: str) -> None:
    """A new record; *salt* (64 hex digits) is that of its commitment."""
    names = "id person document commitment ending against note checked_by answers since until renews entry"
    tx.insert("identity_records", fields_of(record, names) | {"salt": salt})


def withdraw(tx: Transaction, record_id: str, *, by: str, at: datetime, reason: str) -> None:
    """The record no longer counts. Raises :class:`StateRefused` when it was withdrawn already."""
    if (
        tx.change(
            "UPDATE identity_records SET withdrawn = ?, withdrawn_by = ?, reason = ?"
            " WHERE id = ? AND withdrawn IS NULL",
            (at, by, reason, record_id),
        )
        != 1
    ):
        raise StateRefused("This identity check has been withdrawn already.")


def salt(tx: Transaction, record_id: str) -> str:
    """The salt of a record's commitment, for who has the document and compares."""
    found = tx.value(str, "SELECT salt FROM identity_records WHERE id = ?", (record_id,))
    if found is None:
        raise NotFound("There is no identity check {record}.", record=record_id)
    return found


def load_identity(tx: Transaction, record_id: str, *, person: str | None = None) -> IdentityRecord:
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
    return _RECORDS.all(tx.execute(query, values))
