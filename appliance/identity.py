"""Recording that somebody's identity was checked, renewing that, and withdrawing it."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from appliance.errors import PreconditionRefused
from appliance.language import instants
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.entry import SALT_BYTES, commitment
from appliance.model.people import Against, IdentityDocument, IdentityRecord
from appliance.policy import Policy
from appliance.store import people
from appliance.store.database import Database, Transaction, reads
from hsm.intents import instant

LONGEST_NOTE: Final = 500
"""Characters of a note, and of a reason."""

ENDING: Final = 4
"""Characters of a document's number that stay readable."""

_NUMBER: Final = re.compile(r"[0-9A-Z]{6,30}")
_ID_CARD: Final = re.compile(r"\d{17}[0-9X]")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999: the check character is that of ISO 7064 MOD 11-2."""


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """What somebody checked: ``number`` as it stands in the document; ``expires`` is the document's last day, if
    it has one. ``answers``: the person of the enterprise who answers for somebody from outside."""

    document: IdentityDocument
    number: str
    against: Against
    answers: str
    note: str = ""
    expires: date | None = None


class IdentityChecks:
    """Thread-safe. The number of a document is never kept: only its salted commitment and last characters."""

    def __init__(self, database: Database, policy: Policy, now: Callable[[], datetime]) -> None:
        self._database = database
        self._policy = policy
        self._now = now

    checks_of = reads(people.identities_of)

    def current(self, person: str) -> IdentityRecord | None:
        """The record of *person* that is good now."""
        return self._database.query(people.current_identity, person, self._now())

    def record(self, person: str, check: IdentityCheck, *, by: str) -> IdentityRecord:
        """Keeps *check*, made by *by*; it follows the newest one there is.

        It is good until the document expires, at most as long as policy says. Raises
        :class:`PreconditionRefused` for a number that cannot be one, an expired document, or a check of oneself.
        """
        now, number = self._now().replace(microsecond=0), normal_number(check.document, check.number)
        if person in (by, check.answers):
            raise PreconditionRefused("Nobody checks their own identity, or answers for it; another person does.")
        note = _line(check.note)
        salt = secrets.token_hex(SALT_BYTES)
        with self._database.transaction() as tx:
            if people.person(tx, check.answers).guest:
                raise PreconditionRefused("Somebody from outside cannot answer for another's identity.")
            until = self._until(tx, person, check, now)
            before = next(iter(people.identities_of(tx, person)), None)
            record = IdentityRecord(
                id=f"identity-{secrets.token_hex(8)}",
                person=person,
                document=check.document,
                commitment=commitment("document-number", salt=salt, value=number),
                ending=number[-ENDING:],
                against=check.against,
                note=note,
                checked_by=by,
                answers=check.answers,
                since=now,
                until=until,
                renews=None if before is None else before.id,
            )
            entry = append_event(tx, _identity_event(record, now))
            kept = replace(record, entry=entry)
            people.insert_identity(tx, kept, salt=salt)
            return kept

    def withdraw(self, person: str, record_id: str, *, reason: str, by: str) -> IdentityRecord:
        """The record of *person* no longer counts, at once.

        Raises :class:`NotFound` for a record of somebody else, :class:`StateRefused` when that was done already.
        """
        now, reason = self._now(), _line(reason)
        with self._database.transaction() as tx:
            record = people.load_identity(tx, record_id, person=person)
            if not reason:
                raise PreconditionRefused("Say why, in a few words; everybody concerned reads it.")
            people.withdraw_identity(tx, record_id, by=by, at=now, reason=reason)
            public = {"identity": record_id, "person": record.person}
            event = AuditEvent(EventKind.IDENTITY_WITHDRAWN, now, by, None, public, {"reason": reason})
            append_event(tx, event)
            return people.load_identity(tx, record_id)

    def matches(self, record_id: str, number: str) -> bool:
        """Whether the document that somebody holds now is the one that was checked then."""
        with self._database.reading() as tx:
            record, salt = people.load_identity(tx, record_id), people.identity_salt(tx, record_id)
        value = normal_number(record.document, number)
        return commitment("document-number", salt=salt, value=value) == record.commitment

    def _until(self, tx: Transaction, person: str, check: IdentityCheck, now: datetime) -> datetime:
        longest = now + timedelta(days=self._policy.default.identity.longest_days)
        if check.expires is None:
            return longest
        ends = instants.on(check.expires + timedelta(days=1), time(), people.person(tx, person).zone)
        if ends <= now:
            raise PreconditionRefused("The document expired on {day}; check a valid one.", day=check.expires)
        return min(longest, ends)


def normal_number(document: IdentityDocument, typed: str) -> str:
    """A document's number without blanks and dashes, in capitals. Raises :class:`PreconditionRefused`.

    The check character of a resident identity card (GB 11643) is computed.
    """
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", typed)).upper()
    if not _NUMBER.fullmatch(number):
        raise PreconditionRefused("The number of the document has 6 to 30 letters and digits.")
    if document is IdentityDocument.ID_CARD:
        if not _ID_CARD.fullmatch(number):
            raise PreconditionRefused("The number of an identity card has 18 characters.")
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
        if number[17] != "10X98765432"[total % 11]:
            raise PreconditionRefused(
                "The number of the identity card has a mistake: its last character is wrong."
            )
    return number


def _identity_event(record: IdentityRecord, now: datetime) -> AuditEvent:
    """Numbers and notes are private: the log has the record's own commitment, and salted ones of the rest."""
    return AuditEvent(
        kind=EventKind.IDENTITY_CHECKED,
        at=now,
        actor=record.checked_by,
        public={
            "identity": record.id,
            "person": record.person,
            "document": record.document.value,
            "against": record.against.value,
            "answers": record.answers,
            "commitment": record.commitment,
            "until": instant(record.until),
            "renews": record.renews,
        },
        private={"ending": record.ending, "note": record.note},
    )


def _line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > LONGEST_NOTE:
        raise PreconditionRefused("At most {most} characters.", most=LONGEST_NOTE)
    return line
