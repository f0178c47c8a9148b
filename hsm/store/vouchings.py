"""For whom people of the house have vouched: their codes, what became of them, and the authority's statements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hsm.errors import UnknownKey
from hsm.operation_types import SignedStatement
from hsm.rows import Query, fields_of
from hsm.store.database import AuthorityTables
from hsm.vouching import TRIES


@dataclass(frozen=True, slots=True)
class VouchingRecord:
    """One vouching; ``challenge`` is that of its ``intent`` (canonical JSON), ``code`` the digest of the code, and
    times are in Unix seconds: the code counts until ``expires``."""

    number: int
    subject: str
    contract: str
    party: str
    name: str
    organisation: str
    title: str
    intent: str
    challenge: bytes
    vouched_by: str
    vouched: int
    expires: int
    code: bytes
    tries: int = 0
    registered: int | None = None
    signed: int | None = None
    ended: int | None = None
    statement: bytes | None = None
    cms: bytes | None = None


_COLUMNS = "subject contract party name organisation title intent challenge vouched_by vouched expires code"
_VOUCHINGS = Query(
    VouchingRecord,
    "SELECT number, subject, contract, party, name, organisation, title, intent, challenge, vouched_by, vouched,"
    " expires, code, tries, registered, signed, ended, statement, cms FROM vouchings",
)


class VouchingStore(AuthorityTables):
    """Rows are never deleted. Changes belong into one transaction with what they are about."""

    def find(self, subject: str) -> VouchingRecord | None:
        """The one that counts for *subject*; None for somebody for whom nobody has vouched."""
        return _VOUCHINGS.first(self._database, "WHERE subject = ? ORDER BY number DESC LIMIT 1", (subject,))

    def vouching(self, subject: str) -> VouchingRecord:
        """The one that counts for *subject*. Raises :class:`UnknownKey`."""
        found = self.find(subject)
        if found is None:
            raise UnknownKey("Nobody has vouched for {subject} here.", subject=subject)
        return found

    def add_vouching(self, record: VouchingRecord) -> None:
        """Adds one (its ``number`` is given by the store), in the place of those before it."""
        self._database.insert("vouchings", fields_of(record, _COLUMNS))

    def made_since(self, person: str, since: int) -> int:
        """For how many signers *person* has vouched since *since*."""
        query = "SELECT count(*) FROM vouchings WHERE vouched_by = ? AND vouched >= ?"
        return self._database.value(int, query, (person, since)) or 0

    def count_try(self, record: VouchingRecord, now: int) -> bool:
        """Counts a try at the code before it is looked at; False where it does not count any more."""
        with self._database.transaction():
            return self._database.changed(
                "UPDATE vouchings SET tries = tries + 1 WHERE number = ? AND tries < ? AND expires > ?"
                " AND registered IS NULL AND ended IS NULL",
                (record.number, TRIES, now),
            )

    def forget_tries(self, record: VouchingRecord) -> None:
        """The right code was given: wrong ones before it count no more."""
        self._database.update("vouchings", {"tries": 0}, number=record.number)

    def register(self, record: VouchingRecord, stated: SignedStatement, *, at: int) -> bool:
        """The code was used, and this was stated; False when it was used, replaced or ended meanwhile."""
        return self._database.changed(
            "UPDATE vouchings SET registered = ?2, statement = ?3, cms = ?4, tries = 0 WHERE number = ?1"
            " AND registered IS NULL AND ended IS NULL"
            " AND number = (SELECT max(number) FROM vouchings WHERE subject = ?5)",
            (record.number, at, stated.statement, stated.cms, record.subject),
        )

    def mark_signed(self, subject: str, *, at: int) -> None:
        """The key of *subject* is about to sign the document."""
        self._database.update("vouchings", {"signed": at}, subject=subject, signed=None, ended=None)

    def end(self, subject: str, *, at: int) -> None:
        """Neither a code nor a key of *subject* counts any more."""
        self._database.update("vouchings", {"ended": at}, subject=subject, ended=None)


def digest_of(subject: str, code: str) -> bytes:
    """SHA-256 (32 bytes) of the *code* of *subject*, whatever gaps it was typed with."""
    digits = "".join(each for each in code if each.isalnum())
    return hashlib.sha256(f"vouching code\n{subject}\n{digits}".encode()).digest()
