"""Proposals and acceptances of the agreement on electronic signing, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.acceptance import AgreementRecord
from appliance.store.database import Transaction
from appliance.store.intents import act_from
from appliance.store.moments import loaded, stored
from hsm import canonical

COLUMNS = "id, person, version, record, act, proposed, accepted, cms, entry"


def insert(tx: Transaction, agreement: AgreementRecord) -> None:
    """A proposal, before it is signed."""
    tx.execute(
        "INSERT INTO agreements (id, person, version, record, act, proposed, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            agreement.id,
            agreement.person,
            agreement.version,
            agreement.record,
            canonical.encode(agreement.act.fields()),
            stored(agreement.proposed),
            stored(agreement.act.expires),
        ),
    )


def accept(tx: Transaction, agreement: AgreementRecord, *, at: datetime, cms: bytes, entry: int) -> None:
    """The proposal is accepted. Raises :class:`StateRefused` when it, or another of the same text, was before."""
    try:
        accepted = tx.execute(
            "UPDATE agreements SET accepted = ?, cms = ?, entry = ? WHERE id = ? AND accepted IS NULL",
            (stored(at), cms, entry, agreement.id),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("{person} has accepted this agreement already.", person=agreement.person) from error
    if accepted.rowcount != 1:
        raise StateRefused("{person} has accepted this agreement already.", person=agreement.person)


def load(tx: Transaction, agreement_id: str) -> AgreementRecord:
    """The proposal or acceptance with this id. Raises :class:`NotFound`."""
    row = tx.execute(f"SELECT {COLUMNS} FROM agreements WHERE id = ?", (agreement_id,)).fetchone()  # noqa: S608 -- literal columns
    if row is None:
        raise NotFound("There is no agreement {agreement}.", agreement=agreement_id)
    return _record(row)


def accepted_by(tx: Transaction, person: str, version: str) -> AgreementRecord | None:
    """The acceptance of this version by this person, or None."""
    row = tx.execute(
        f"SELECT {COLUMNS} FROM agreements WHERE person = ? AND version = ? AND accepted IS NOT NULL",  # noqa: S608 -- literal columns
        (person, version),
    ).fetchone()
    return _record(row) if row else None


def has_accepted(tx: Transaction, person: str, version: str) -> bool:
    """Whether this person has accepted this version."""
    found = tx.execute(
        "SELECT 1 FROM agreements WHERE person = ? AND version = ? AND accepted IS NOT NULL", (person, version)
    )
    return found.fetchone() is not None


def forget_expired(tx: Transaction, now: datetime) -> int:
    """Remove proposals that can no longer be accepted; how many."""
    gone = tx.execute("DELETE FROM agreements WHERE accepted IS NULL AND expires <= ?", (stored(now),))
    return int(gone.rowcount)


def _record(row: tuple[Any, ...]) -> AgreementRecord:
    return AgreementRecord(
        id=row[0],
        person=row[1],
        version=row[2],
        record=row[3],
        act=act_from(row[4]),
        proposed=loaded(row[5]),
        accepted=loaded(row[6]),
        cms=row[7],
        entry=row[8],
    )
