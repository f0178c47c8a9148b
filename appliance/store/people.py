"""People and company seals in the database."""

from __future__ import annotations

from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.people import Person, Seal, SealKind
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_SEAL = "subject, organisation, kind, width_mm, suspended, needed, picture, destroyed, number"


def insert_person(tx: Transaction, person: Person, certificate: bytes | None) -> None:
    """A new person; *certificate* (DER) is the authority's, None before the enrolment.

    Raises :class:`StateRefused` when the subject is known, or the mail address is another account's.
    """
    try:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                person.subject,
                person.name,
                person.organisation,
                person.email,
                person.language,
                person.zone,
                int(person.guest),
            ),
        )
    except pysqlite3.IntegrityError as error:
        if "administrators" in str(error):
            raise StateRefused(
                "{email} is an administrator of this machine; who administrates has no account in the portal.",
                email=person.email,
            ) from error
        if "people.email" in str(error) or "people_one_address" in str(error):
            raise StateRefused(
                "{email} belongs to another account; each human has one.", email=person.email
            ) from error
        raise StateRefused("{subject} is known already.", subject=person.subject) from error
    if certificate is not None:
        set_certificate(tx, person.subject, certificate)


def set_certificate(tx: Transaction, subject: str, certificate: bytes) -> None:
    """Keeps the current *certificate* (DER) of a person or seal, in place of an earlier one."""
    tx.execute(
        "INSERT INTO certificates (subject, der) VALUES (?, ?)"
        " ON CONFLICT (subject) DO UPDATE SET der = excluded.der",
        (subject, certificate),
    )


def update_profile(tx: Transaction, person: Person) -> None:
    """Writes name, language and zone of a known person."""
    tx.execute(
        "UPDATE people SET name = ?, language = ?, zone = ? WHERE subject = ?",
        (person.name, person.language, person.zone, person.subject),
    )


def correct(tx: Transaction, person: Person) -> None:
    """Writes name and mail address of an outside signer who was typed wrongly."""
    tx.execute(
        "UPDATE people SET name = ?, email = ? WHERE subject = ?", (person.name, person.email, person.subject)
    )


def insert_seal(tx: Transaction, seal: Seal, certificate: bytes) -> None:
    """A new seal with its custodians, who must be known people; it gets the next number of its kind, whatever it
    says of it. Raises :class:`StateRefused` otherwise."""
    try:
        tx.execute(
            "INSERT INTO seals (subject, organisation, kind, width_mm, suspended, needed, number)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
            " (SELECT count(*) + 1 FROM seals WHERE organisation = ?2 AND kind = ?3))",
            (
                seal.subject,
                seal.organisation,
                seal.kind,
                seal.width_mm,
                stored(seal.suspended) if seal.suspended else None,
                seal.needed,
            ),
        )
        set_certificate(tx, seal.subject, certificate)
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
        "SELECT subject, name, organisation, email, language, zone, guest FROM people WHERE subject = ?",
        (subject,),
    ).fetchone()
    if row is None:
        raise NotFound("There is no person {subject}.", subject=subject)
    return _person(row)


def is_known(tx: Transaction, subject: str) -> bool:
    """Whether there is a person with this subject."""
    return tx.execute("SELECT 1 FROM people WHERE subject = ?", (subject,)).fetchone() is not None


def people(tx: Transaction) -> list[Person]:
    """Everybody but guests, by subject: those who can be named for more than one contract."""
    rows = tx.execute(
        "SELECT subject, name, organisation, email, language, zone, guest FROM people"
        " INDEXED BY people_members WHERE guest = 0 ORDER BY subject"
    )
    return [_person(row) for row in rows]


def organisations(tx: Transaction) -> list[str]:
    """The organisations of this house: whoever is no guest is of one of them, and so is every seal."""
    rows = tx.execute(
        "SELECT DISTINCT organisation FROM people INDEXED BY people_members_of WHERE guest = 0"
        " UNION SELECT organisation FROM seals"
    )
    return [row[0] for row in rows]


def enrolled_of(tx: Transaction, organisation: str, words: str, *, limit: int) -> list[Person]:
    """At most *limit* people of *organisation* who have a key, with *words* in name or mail address, by name."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = tx.execute(
        "SELECT subject, name, organisation, email, language, zone, guest FROM people INDEXED BY people_members_of"
        " WHERE guest = 0 AND organisation = ? AND subject LIKE 'person-%'"
        " AND (name LIKE ? ESCAPE '\\' OR email LIKE ? ESCAPE '\\')"
        " AND EXISTS (SELECT 1 FROM certificates WHERE certificates.subject = people.subject)"
        " ORDER BY name, subject LIMIT ?",
        (organisation, pattern, pattern, limit),
    )
    return [_person(row) for row in rows]


def seal(tx: Transaction, subject: str) -> Seal:
    """The seal with this subject. Raises :class:`NotFound`."""
    row = tx.execute(
        f"SELECT {_SEAL} FROM seals WHERE subject = ?",  # noqa: S608 -- a literal of this module
        (subject,),
    ).fetchone()
    if row is None:
        raise NotFound("There is no seal {subject}.", subject=subject)
    return _seal(tx, row)


def seals(tx: Transaction) -> list[Seal]:
    """Every seal, by subject."""
    rows = tx.execute(
        f"SELECT {_SEAL} FROM seals ORDER BY subject"  # noqa: S608 -- a literal of this module
    ).fetchall()
    return [_seal(tx, row) for row in rows]


def certificate(tx: Transaction, subject: str) -> bytes:
    """The current certificate (DER) of a person or seal. Raises :class:`NotFound` for whom nobody enrolled."""
    row = tx.execute("SELECT der FROM certificates WHERE subject = ?", (subject,)).fetchone()
    if row is None:
        raise NotFound("There is no person and no seal {subject} with a certificate.", subject=subject)
    return bytes(row[0])


def is_enrolled(tx: Transaction, subject: str) -> bool:
    """Whether *subject* has a key and a certificate."""
    return tx.execute("SELECT 1 FROM certificates WHERE subject = ?", (subject,)).fetchone() is not None


def _person(row: tuple[Any, ...]) -> Person:
    return Person(row[0], row[1], row[2], row[3], Language(row[4]), row[5], bool(row[6]))


def _seal(tx: Transaction, row: tuple[Any, ...]) -> Seal:
    custodians = tx.execute("SELECT person FROM custodians WHERE seal = ? ORDER BY person", (row[0],))
    return Seal(
        subject=row[0],
        organisation=row[1],
        kind=SealKind(row[2]),
        custodians=tuple(custodian[0] for custodian in custodians),
        width_mm=row[3],
        suspended=loaded(row[4]),
        needed=row[5],
        picture=row[6],
        destroyed=loaded(row[7]),
        number=row[8],
    )
