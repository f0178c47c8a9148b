"""Subjects, who may activate what, and with which credentials; seals, and who releases them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from hsm.errors import CertificateRefused, UnknownKey
from hsm.operation_types import KnownCredential
from hsm.rows import Query, fields_of, refusing
from hsm.store.database import AuthorityTables


class SubjectKind(StrEnum):
    """Whose name it is. Officers administrate and cannot sign; persons and seals sign and cannot administrate; PIN
    custodians have a part of the token's PIN, and do nothing but unlock. Outside signers sign, keep seals of their
    own company, and have no other right here, whatever organisation they are of."""

    PERSON = "person"
    SEAL = "seal"
    SERVICE = "service"
    OFFICER = "officer"
    PIN_CUSTODIAN = "keeper"
    OUTSIDE = "outside"
    OUTSIDE_SEAL = "outside-seal"

    @property
    def is_seal(self) -> bool:
        """Whether it is a company seal: of the house, or of another company."""
        return self in _KEPT_BY

    @property
    def kept_by(self) -> SubjectKind:
        """Who keeps and releases a seal of this kind."""
        return _KEPT_BY[self]


_KEPT_BY = {SubjectKind.SEAL: SubjectKind.PERSON, SubjectKind.OUTSIDE_SEAL: SubjectKind.OUTSIDE}

_STORED_KIND = {
    SubjectKind.PIN_CUSTODIAN: SubjectKind.SERVICE,
    SubjectKind.OUTSIDE: SubjectKind.PERSON,
    SubjectKind.OUTSIDE_SEAL: SubjectKind.SEAL,
}
"""What stands in the table of subjects for kinds that have a table of their own."""

_TABLES = {
    SubjectKind.PIN_CUSTODIAN: "keepers",
    SubjectKind.OUTSIDE: "outside_signers",
    SubjectKind.OUTSIDE_SEAL: "outside_seals",
}
"""Those tables."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A name in the store, such as ``person-zhang``."""

    subject: str
    kind: SubjectKind
    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody activates with; ``totp_secret`` is wrapped by the HSM."""

    number: int
    subject: str
    kind: str
    credential_id: bytes | None = None
    public_key: bytes | None = None
    sign_count: int = 0
    pin_hash: str | None = None
    totp_secret: bytes | None = None
    totp_step: int = 0
    reference: str | None = None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_SUBJECTS = Query(
    Subject,
    "SELECT s.subject, CASE WHEN k.subject IS NOT NULL THEN 'keeper'"
    " WHEN o.subject IS NOT NULL THEN 'outside' WHEN f.subject IS NOT NULL THEN 'outside-seal'"
    " ELSE s.kind END AS kind, s.name, s.organisation"
    " FROM subjects s LEFT JOIN keepers k ON k.subject = s.subject"
    " LEFT JOIN outside_signers o ON o.subject = s.subject LEFT JOIN outside_seals f ON f.subject = s.subject",
)
_CREDENTIALS = Query(
    Credential,
    "SELECT number, subject, kind, credential_id, public_key, sign_count, pin_hash, totp_secret, totp_step,"
    " reference FROM credentials",
)
_KNOWN = Query(
    KnownCredential,
    "SELECT kind, credential_id, added, public_key, reference FROM credentials",
    added=_moment,
)


class SubjectStore(AuthorityTables):
    """The subjects. Changes belong into one transaction with the intent that authorises them."""

    def add_subject(self, subject: Subject, *, enrolled: int, custodians: tuple[str, ...] = ()) -> None:
        """Adds *subject*, and the persons who may activate it if it is a seal. Raises CertificateRefused."""
        kept_as = _STORED_KIND.get(subject.kind, subject.kind)
        with refusing(CertificateRefused("{subject} is enrolled already.", subject=subject.subject)):
            self._database.insert(
                "subjects",
                {**fields_of(subject, "subject name organisation"), "kind": kept_as.value, "enrolled": enrolled},
            )
        if subject.kind in _TABLES:
            self._database.insert(_TABLES[subject.kind], {"subject": subject.subject})
        for person in custodians:
            self._database.insert("custodians", {"seal": subject.subject, "person": person})

    def subject(self, subject: str) -> Subject:
        """The subject of this name. Raises :class:`UnknownKey`."""
        missing = UnknownKey("{subject} is not enrolled.", subject=subject)
        return _SUBJECTS.one(self._database, "WHERE s.subject = ?", (subject,), missing=missing)

    def is_enrolled(self, subject: str) -> bool:
        return self._database.exists("SELECT 1 FROM subjects WHERE subject = ?", (subject,))

    def custodians(self, seal: str) -> frozenset[str]:
        """The persons who may activate *seal*: outside signers for another company's seal, and only they; for the
        house's they do not count, however the row came about."""
        return frozenset(
            self._database.column(
                str,
                "SELECT person FROM custodians WHERE seal = ?1"
                " AND (person IN (SELECT subject FROM outside_signers))"
                " = (?1 IN (SELECT subject FROM outside_seals))",
                (seal,),
            )
        )

    def organisations(self) -> frozenset[str]:
        """Every organisation that has a subject; those of outside signers and their seals do not count."""
        return frozenset(
            self._database.column(
                str,
                "SELECT DISTINCT organisation FROM subjects"
                " WHERE subject NOT IN (SELECT subject FROM outside_signers)"
                " AND subject NOT IN (SELECT subject FROM outside_seals)",
            )
        )

    def add_credential(self, credential: Credential, *, added: int) -> None:
        """Adds a credential; its ``number`` is given by the store. Raises CertificateRefused when it is taken."""
        names = "subject kind credential_id public_key pin_hash totp_secret totp_step reference"
        with refusing(CertificateRefused("This credential belongs to somebody already.")):
            self._database.insert("credentials", {**fields_of(credential, names), "added": added})

    def pin_custodians(self) -> list[str]:
        """The PIN custodians who have something to answer with, by name."""
        return self._database.column(
            str,
            "SELECT DISTINCT k.subject FROM keepers k JOIN credentials c ON c.subject = k.subject"
            " WHERE c.revoked IS NULL ORDER BY k.subject",
        )

    def officers(self) -> list[tuple[str, str, int]]:
        """Subject and name of every officer there ever was, and how many authenticators each has, by subject."""
        query = (
            "SELECT s.subject, s.name, count(c.number) FROM subjects s"
            " LEFT JOIN credentials c ON c.subject = s.subject AND c.revoked IS NULL"
            " WHERE s.kind = 'officer' GROUP BY s.subject ORDER BY s.subject"
        )
        return list(self._database.execute(query))

    def is_known_pin_custodian(self, subject: str) -> bool:
        """Whether *subject* is a PIN custodian, or was one."""
        return self._database.exists("SELECT 1 FROM keepers WHERE subject = ?", (subject,))

    def replace_authenticators(self, subject: str, wanted: Sequence[Credential], *, at: int) -> None:
        """From now on *subject* answers with those *wanted*, and with no other. Raises CertificateRefused for one
        that is somebody else's.

        One that was here before, with the same key, goes on from the counter that it had, whether it was ended
        meanwhile or not: its id is given to nobody else, so that its copy is noticed still.
        """
        self.revoke_credentials(subject, revoked=at)
        for credential in wanted:
            again = self._database.change(
                "UPDATE credentials SET revoked = NULL"
                " WHERE subject = ? AND credential_id = ? AND public_key = ? AND revoked IS NOT NULL",
                (subject, credential.credential_id, credential.public_key),
            )
            if not again:
                self.add_credential(credential, added=at)

    def webauthn(self, subject: str, credential_id: bytes) -> Credential | None:
        """The unrevoked authenticator of *subject* with this id, or None."""
        condition = "WHERE credential_id = ? AND subject = ? AND revoked IS NULL"
        return _CREDENTIALS.first(self._database, condition, (credential_id, subject))

    def pin_totp(self, subject: str) -> Credential | None:
        """The newest unrevoked PIN and TOTP of *subject*, or None."""
        condition = "WHERE subject = ? AND kind = 'pin-totp' AND revoked IS NULL ORDER BY number DESC LIMIT 1"
        return _CREDENTIALS.first(self._database, condition, (subject,))

    def credentials(self, subject: str) -> list[KnownCredential]:
        """Every unrevoked credential, oldest first, without its secrets."""
        return _KNOWN.all(self._database, "WHERE subject = ? AND revoked IS NULL ORDER BY number", (subject,))

    def revoke_credentials(self, subject: str, *, revoked: int) -> int:
        """Revokes everything that *subject* activates with; how many."""
        return self._database.change(
            "UPDATE credentials SET revoked = ? WHERE subject = ? AND revoked IS NULL", (revoked, subject)
        )

    def revoke_credential(self, subject: str, credential_id: bytes | None, *, revoked: int) -> int:
        """Revokes the authenticator with this id, or (None) every PIN and TOTP; how many."""
        column, value = ("kind", "pin-totp") if credential_id is None else ("credential_id", credential_id)
        return self._database.change(
            f"UPDATE credentials SET revoked = ? WHERE subject = ? AND {column} = ? AND revoked IS NULL",  # noqa: S608 - fixed
            (revoked, subject, value),
        )

    def advance_counter(self, credential: Credential, sign_count: int) -> bool:
        """Sets the authenticator's counter; False when another activation was faster."""
        return self._database.changed(
            "UPDATE credentials SET sign_count = ? WHERE number = ? AND sign_count = ? AND revoked IS NULL",
            (sign_count, credential.number, credential.sign_count),
        )

    def begin_attempt(self, credential: Credential, *, allowed: int, now: int, lock_until: int) -> bool:
        """Counts an answer before it is looked at, so that guesses in parallel count too; False while locked.

        The answer number *allowed* locks the credential until *lock_until*, unless :meth:`accept_totp` follows.
        """
        with self._database.transaction():
            return self._database.changed(
                "UPDATE credentials SET failures = (failures + 1) % ?,"
                " locked_until = CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until END"
                " WHERE number = ? AND locked_until <= ?",
                (allowed, allowed, lock_until, credential.number, now),
            )

    def accept_totp(self, credential: Credential, step: int) -> bool:
        """Uses up the code of *step* and forgets failures; False when it, or a later one, was used before."""
        return self._database.changed(
            "UPDATE credentials SET totp_step = ?, failures = 0, locked_until = 0"
            " WHERE number = ? AND totp_step < ? AND revoked IS NULL",
            (step, credential.number, step),
        )


@dataclass(frozen=True, slots=True)
class CompanySealRecord:
    """A seal. ``kind`` as in its certificate (empty for old seals); ``needed``: how many custodians approve its
    use, 1 or 2; ``picture``: SHA-256 (hex) of the picture in use, None for the drawn one."""

    subject: str
    kind: str
    needed: int
    picture: str | None = None
    suspended: datetime | None = None
    destroyed: datetime | None = None


_SEALS = Query(
    CompanySealRecord,
    "SELECT subject, kind, needed, picture, suspended, destroyed FROM seals",
    suspended=_moment,
    destroyed=_moment,
)


class CompanySealStore(AuthorityTables):
    """The seals. Changes belong into one transaction with the intent that authorises them."""

    def add_seal(self, subject: str, kind: str, needed: int) -> None:
        """Adds a seal whose subject is there."""
        self._database.insert("seals", {"subject": subject, "kind": kind, "needed": needed})

    def seal(self, subject: str) -> CompanySealRecord:
        """The seal. Raises :class:`UnknownKey`."""
        missing = UnknownKey("There is no seal {subject}.", subject=subject)
        return _SEALS.one(self._database, "WHERE subject = ?", (subject,), missing=missing)

    def suspend(self, subject: str, *, since: int) -> None:
        """Stops the seal; one that stands still keeps its time."""
        self._database.update("seals", {"suspended": since}, subject=subject, suspended=None)

    def change_seal(self, subject: str, **columns: str | int | None) -> None:
        """Sets these *columns* of the seal, which are fields of :class:`CompanySealRecord`."""
        self._database.update("seals", columns, subject=subject)

    def destroy(self, subject: str, *, at: int) -> None:
        """Ends the seal for good; its custodians stay on record."""
        self._database.change(
            "UPDATE seals SET suspended = coalesce(suspended, ?1), destroyed = ?1 WHERE subject = ?2",
            (at, subject),
        )

    def add_custodian(self, subject: str, person: str) -> bool:
        """Adds a custodian; False when the person is one already."""
        return self._database.insert_if_new("custodians", {"seal": subject, "person": person})

    def remove_custodian(self, subject: str, person: str) -> bool:
        """Removes a custodian, whose approvals for this seal count no more; False when the person was none."""
        if not self._database.delete("custodians", seal=subject, person=person):
            return False
        self._database.change(
            "INSERT OR REPLACE INTO removed_custodians (seal, person, last_approval)"
            " SELECT ?, ?, coalesce(max(number), 0) FROM approvals",
            (subject, person),
        )
        return True

    def seals_of_custodian(self, person: str) -> list[CompanySealRecord]:
        condition = "WHERE subject IN (SELECT seal FROM custodians WHERE person = ?) ORDER BY subject"
        return _SEALS.all(self._database, condition, (person,))

    def keys_left(self, subject: str) -> list[str]:
        """The labels of its keys that were not destroyed."""
        return self._database.column(
            str,
            "SELECT label FROM keys WHERE subject = ? AND label NOT IN (SELECT label FROM destroyed_keys)"
            " ORDER BY made, label",
            (subject,),
        )

    def key_destroyed(self, label: str, *, at: int) -> None:
        """The token was asked and does not hold this key any more."""
        self._database.insert_if_new("destroyed_keys", {"label": label, "destroyed": at})
