"""People and company seals in the database."""

from __future__ import annotations

from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.people import Person, Seal, SealKind
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def insert_person(tx: Transaction, person: Person, certificate: bytes) -> None:
    """A new person with the certificate (DER) from the authority. Raises :class:`StateRefused` when known."""
    try:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, certificate)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                person.subject,
                person.name,
                person.organisation,
                person.email,
                person.language,
                person.zone,
                certificate,
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("{subject} is known already.", subject=person.subject) from error


def insert_seal(tx: Transaction, seal: Seal, certificate: bytes) -> None:
    """A new seal with its custodians, who must be known people. Raises :class:`StateRefused` otherwise."""
    try:
        tx.execute(
            "INSERT INTO seals (subject, organisation, kind, width_mm, suspended, certificate)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                seal.subject,
                seal.organisation,
                seal.kind,
                seal.width_mm,
                stored(seal.suspended) if seal.suspended else None,
                certificate,
            ),
        )
        tx.executemany(
            "INSERT INTO custodians (seal, person) VALUES (?, ?)",
            [(seal.subject, custodian) for custodian in seal.custodians],
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused(
            "{subject} is known already, or one of its custodians is not a known person.", subject=seal.subject
        ) from error


def person(tx: Transaction, subject: str) -> Person:
    """The person with this subject. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT subject, name, organisation, email, language, zone FROM people WHERE subject = ?", (subject,)
    ).fetchone()
    if row is None:
        raise NotFound("There is no person {subject}.", subject=subject)
    return _person(row)


def people(tx: Transaction) -> list[Person]:
    """Everybody, by subject."""
    rows = tx.execute("SELECT subject, name, organisation, email, language, zone FROM people ORDER BY subject")
    return [_person(row) for row in rows]


def seal(tx: Transaction, subject: str) -> Seal:
    """The seal with this subject. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT subject, organisation, kind, width_mm, suspended FROM seals WHERE subject = ?", (subject,)
    ).fetchone()
    if row is None:
        raise NotFound("There is no seal {subject}.", subject=subject)
    return _seal(tx, row)


def seals(tx: Transaction) -> list[Seal]:
    """Every seal, by subject."""
    rows = tx.execute(
        "SELECT subject, organisation, kind, width_mm, suspended FROM seals ORDER BY subject"
    ).fetchall()
    return [_seal(tx, row) for row in rows]


def certificate(tx: Transaction, subject: str) -> bytes:
    """The certificate (DER) of a person or seal, as registered. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT certificate FROM people WHERE subject = ?1"
        " UNION ALL SELECT certificate FROM seals WHERE subject = ?1",
        (subject,),
    ).fetchone()
    if row is None:
        raise NotFound("There is neither a person nor a seal {subject}.", subject=subject)
    return bytes(row[0])


def _person(row: tuple[Any, ...]) -> Person:
    return Person(row[0], row[1], row[2], row[3], Language(row[4]), row[5])


def _seal(tx: Transaction, row: tuple[Any, ...]) -> Seal:
    custodians = tx.execute("SELECT person FROM custodians WHERE seal = ? ORDER BY person", (row[0],))
    return Seal(
        subject=row[0],
        organisation=row[1],
        kind=SealKind(row[2]),
        custodians=tuple(custodian[0] for custodian in custodians),
        width_mm=row[3],
        suspended=loaded(row[4]),
    )
