"""People, their identity records, and company seals in the database."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import AccountState
from appliance.model.people import IdentityRecord, Person, Seal
from appliance.store.database import Transaction, pattern_of
from hsm.rows import Query, fields_of, refusing

_PEOPLE = Query(
    Person,
    "SELECT subject, name, organisation, email, language, zone, guest, department,"
    " (SELECT above.name FROM people AS above WHERE above.subject = people.manager) AS manager_name,"
    " (SELECT partner FROM representatives AS r WHERE r.subject = people.subject) AS partner,"
    " EXISTS (SELECT 1 FROM certificates AS c WHERE c.subject = people.subject)"
    " AND NOT EXISTS (SELECT 1 FROM vouchings AS v WHERE v.person = people.subject) AS certified FROM people",
)
_SEAL = (
    "SELECT subject, organisation, kind, width_mm, suspended, needed, picture, destroyed, number, unit,"
    " (SELECT json_group_array(person) FROM (SELECT person FROM custodians WHERE seal = seals.subject"
    " ORDER BY person)) AS custodians FROM seals"
)
_SEALS = Query(Seal, _SEAL)


def insert_person(tx: Transaction, person: Person, certificate: bytes | None) -> None:
    """A new person; *certificate* (DER) is the authority's, None before the enrolment.

    Raises :class:`StateRefused` when the subject is known, or the mail address is another account's.
    """
    administrator = StateRefused(
        "{email} is an administrator of this machine; who administrates has no account in the portal.",
        email=person.email,
    )
    another = StateRefused("{email} belongs to another account; each human has one.", email=person.email)
    with (
        refusing(StateRefused("{subject} is known already.", subject=person.subject)),
        refusing(another, only=["people.email", "people_one_address"]),
        refusing(administrator, only=["administrators"]),
    ):
        tx.insert("people", fields_of(person, "subject name organisation email language zone guest department"))
    if certificate is not None:
        set_certificate(tx, person.subject, certificate)


def set_certificate(tx: Transaction, subject: str, certificate: bytes) -> None:
    """Keeps the current *certificate* (DER) of a person or seal, in place of an earlier one."""
    tx.save("certificates", {"subject": subject, "der": certificate}, key="subject")


def update_profile(tx: Transaction, person: Person) -> None:
    """Writes name, language and zone of a known person."""
    tx.update("people", fields_of(person, "name language zone"), subject=person.subject)


def correct(tx: Transaction, person: Person) -> None:
    """Writes name and mail address of an outside signer who was typed wrongly."""
    tx.update("people", fields_of(person, "name email"), subject=person.subject)


def insert_seal(tx: Transaction, seal: Seal, certificate: bytes) -> None:
    """A new seal with its custodians, who must be known people; it gets the next number of its kind, whatever it
    says of it. Raises :class:`StateRefused` otherwise."""
    with refusing(
        StateRefused(
            "{subject} is known already, or one of its custodians is not a known person.", subject=seal.subject
        )
    ):
        same = "SELECT count(*) FROM seals WHERE organisation = ? AND kind = ? AND unit = ?"
        number = tx.count(same, (seal.organisation, seal.kind, seal.unit)) + 1
        names = "subject organisation kind width_mm suspended needed unit"
        tx.insert("seals", fields_of(seal, names) | {"number": number})
        set_certificate(tx, seal.subject, certificate)
        for custodian in seal.custodians:
            tx.insert("custodians", {"seal": seal.subject, "person": custodian})


def person(tx: Transaction, subject: str) -> Person:
    """The person with this subject. Raises :class:`NotFound`."""
    missing = NotFound("There is no person {subject}.", subject=subject)
    return _PEOPLE.one(tx, "WHERE subject = ?", (subject,), missing=missing)


def is_known(tx: Transaction, subject: str) -> bool:
    return tx.exists("SELECT 1 FROM people WHERE subject = ?", (subject,))


def is_active(tx: Transaction, subject: str) -> bool:
    """False for somebody whose account is closed or suspended; true for people from outside, who have none."""
    state = tx.value(AccountState, "SELECT state FROM accounts WHERE subject = ?", (subject,))
    return state in (None, AccountState.INVITED, AccountState.ACTIVE)


def is_colleague(tx: Transaction, subject: str, other: str) -> bool:
    """Whether *other* is somebody else of the organisation of *subject* with an account in use: no guest, officer,
    operator or auditor."""
    try:
        own, found = person(tx, subject), person(tx, other)
    except NotFound:
        return False
    fits = other != subject and not found.guest and found.organisation == own.organisation
    return fits and other.startswith("person-") and is_active(tx, other)


def department_of(tx: Transaction, subject: str) -> str:
    """The department that officers entered for *subject*, or the directory has; empty for none."""
    return tx.value(str, "SELECT department FROM people WHERE subject = ?", (subject,)) or ""


def managers_above(tx: Transaction, subject: str) -> list[str]:
    """The manager of *subject*, that one's, and the next one above, as far as they are entered."""
    return tx.column(str, "SELECT manager FROM managers_above WHERE subject = ? ORDER BY height", (subject,))


def manages_somebody(tx: Transaction, subject: str) -> bool:
    """Whether *subject* is somebody's manager, or the manager of one."""
    return tx.exists("SELECT 1 FROM people WHERE manager = ?", (subject,))


def set_department(tx: Transaction, subject: str, department: str) -> bool:
    """Enters the department; whether it is another one than before."""
    return tx.changed(
        "UPDATE people SET department = ?1 WHERE subject = ?2 AND department <> ?1", (department, subject)
    )


def by_email(tx: Transaction, email: str) -> str | None:
    """The subject of whoever has this mail address, in letters of any case, and is no guest."""
    return tx.value(str, "SELECT subject FROM people WHERE guest = 0 AND email = ? COLLATE NOCASE", (email,))


def has_left(tx: Transaction, subject: str) -> bool:
    """Whether somebody is gone: for good, or because the organisation's directory has disabled or removed them."""
    return tx.exists("SELECT 1 FROM gone WHERE subject = ?", (subject,))


def people(tx: Transaction) -> list[Person]:
    """Everybody but guests, by subject: those who can be named for more than one contract."""
    return _PEOPLE.all(tx, "INDEXED BY people_members WHERE guest = 0 ORDER BY subject")


def organisations(tx: Transaction) -> list[str]:
    """The house's organisations: those of everybody but outside signers, and of the seals but theirs."""
    return tx.column(
        str,
        "SELECT DISTINCT organisation FROM people INDEXED BY people_members_of"
        " WHERE guest = 0 AND subject NOT GLOB 'person-guest-*'"
        " UNION SELECT organisation FROM seals WHERE subject NOT GLOB 'seal-guest-*'",
    )


def enrolled_of(tx: Transaction, organisation: str, words: str, *, limit: int) -> list[Person]:
    """At most *limit* people of *organisation* who have a key and are not gone, with *words* in name, department
    or mail address, by name."""
    return _PEOPLE.all(
        tx,
        "INDEXED BY people_members_of"
        " WHERE guest = 0 AND organisation = ?1 AND subject LIKE 'person-%'"
        " AND (name LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\' OR department LIKE ?2 ESCAPE '\\')"
        " AND EXISTS (SELECT 1 FROM certificates WHERE certificates.subject = people.subject)"
        " AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.subject = people.subject)"
        " ORDER BY name, subject LIMIT ?3",
        (organisation, pattern_of(words), limit),
    )


def seal(tx: Transaction, subject: str) -> Seal:
    """The seal with this subject. Raises :class:`NotFound`."""
    missing = NotFound("There is no seal {subject}.", subject=subject)
    return _SEALS.one(tx, "WHERE subject = ?", (subject,), missing=missing)


def seals(tx: Transaction) -> list[Seal]:
    """Every seal, by subject."""
    return _SEALS.all(tx, "ORDER BY subject")


def certificate(tx: Transaction, subject: str) -> bytes:
    """The current certificate (DER) of a person or seal. Raises :class:`NotFound` for whom nobody enrolled."""
    found = tx.value(bytes, "SELECT der FROM certificates WHERE subject = ?", (subject,))
    if found is None:
        raise NotFound("There is no person and no seal {subject} with a certificate.", subject=subject)
    return found


def is_enrolled(tx: Transaction, subject: str) -> bool:
    """Whether *subject* has a key and a certificate."""
    return tx.exists("SELECT 1 FROM certificates WHERE subject = ?", (subject,))


_IDENTITIES = Query(
    IdentityRecord,
    "SELECT id, person, document, commitment, ending, against, note, checked_by, answers, since, until, renews,"
    " entry, withdrawn, withdrawn_by, reason FROM identity_records",
)


def insert_identity(tx: Transaction, record: IdentityRecord, *, salt: str) -> None:
    """A new record; *salt* (64 hex digits) is that of its commitment."""
    names = "id person document commitment ending against note checked_by answers since until renews entry"
    tx.insert("identity_records", fields_of(record, names) | {"salt": salt})


def withdraw_identity(tx: Transaction, record_id: str, *, by: str, at: datetime, reason: str) -> None:
    """The record no longer counts. Raises :class:`StateRefused` when it was withdrawn already."""
    if not tx.update(
        "identity_records", {"withdrawn": at, "withdrawn_by": by, "reason": reason}, id=record_id, withdrawn=None
    ):
        raise StateRefused("This identity check has been withdrawn already.")


def identity_salt(tx: Transaction, record_id: str) -> str:
    """The salt of a record's commitment, for who has the document and compares."""
    found = tx.value(str, "SELECT salt FROM identity_records WHERE id = ?", (record_id,))
    if found is None:
        raise NotFound("There is no identity check {record}.", record=record_id)
    return found


def load_identity(tx: Transaction, record_id: str, *, person: str | None = None) -> IdentityRecord:
    """The record with this id, of *person* where one is given. Raises :class:`NotFound`."""
    missing = NotFound("There is no identity check {record}.", record=record_id)
    return _IDENTITIES.one(
        tx, "WHERE id = ?1 AND (?2 IS NULL OR person = ?2)", (record_id, person), missing=missing
    )


def identities_of(tx: Transaction, person: str) -> list[IdentityRecord]:
    """Every record of *person*, the newest first."""
    return _IDENTITIES.all(tx, "WHERE person = ? ORDER BY since DESC, rowid DESC", (person,))


def current_identity(tx: Transaction, person: str, now: datetime) -> IdentityRecord | None:
    """The newest record of *person* that is good at *now*."""
    return next((record for record in identities_of(tx, person) if record.good(now)), None)


def suspend_seal(tx: Transaction, seal: str, *, since: datetime | None) -> bool:
    """Suspends *seal*, or (None) lets it be used again; False when it is so already."""
    return tx.changed(
        "UPDATE seals SET suspended = ?1 WHERE subject = ?2 AND (suspended IS NULL) = (?1 IS NOT NULL)",
        (since, seal),
    )


def destroy_seal(tx: Transaction, seal: str, *, at: datetime) -> None:
    """The seal has ended; its custodians stay on record."""
    tx.execute(
        "UPDATE seals SET suspended = coalesce(suspended, ?1), destroyed = ?1"
        " WHERE subject = ?2 AND destroyed IS NULL",
        (at, seal),
    )


def add_custodian(tx: Transaction, seal: str, person: str) -> None:
    tx.insert_if_new("custodians", {"seal": seal, "person": person})


def remove_custodian(tx: Transaction, seal: str, person: str) -> None:
    tx.execute("DELETE FROM custodians WHERE seal = ? AND person = ?", (seal, person))


def set_seal_needed(tx: Transaction, seal: str, needed: int) -> None:
    tx.execute("UPDATE seals SET needed = ? WHERE subject = ?", (needed, seal))


def set_seal_picture(tx: Transaction, seal: str, digest: str | None) -> None:
    """*seal* looks like the picture with this digest from now on; None: as it is drawn."""
    tx.execute("UPDATE seals SET picture = ? WHERE subject = ?", (digest, seal))


def offer_seal_picture(tx: Transaction, seal: str, digest: str, png: bytes, *, at: datetime, by: str) -> None:
    """Keeps a picture that may be taken into use; the same one again changes nothing."""
    tx.execute(
        "INSERT INTO seal_pictures (seal, digest, png, offered, offered_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (seal, digest, png, at, by),
    )


def seal_picture(tx: Transaction, seal: str, digest: str) -> bytes:
    """The PNG. Raises :class:`NotFound`."""
    found = tx.value(bytes, "SELECT png FROM seal_pictures WHERE seal = ? AND digest = ?", (seal, digest))
    if found is None:
        raise NotFound("The seal {seal} has no picture {digest}.", seal=seal, digest=digest)
    return found


def seals_kept_by(tx: Transaction, person: str) -> frozenset[str]:
    return frozenset(tx.column(str, "SELECT seal FROM custodians WHERE person = ?", (person,)))


def seals_in_use_kept_by(tx: Transaction, person: str) -> list[Seal]:
    """The same as values, without those that are destroyed: they keep their custodians on record."""
    every = (seal(tx, subject) for subject in sorted(seals_kept_by(tx, person)))
    return [each for each in every if each.destroyed is None]
