"""What ceremonies left: records with the hashes of their transcripts, and one-time codes by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hsm.errors import UnknownKey
from hsm.intents import instant
from hsm.rows import Query
from hsm.store.database import AuthorityTables


@dataclass(frozen=True, slots=True)
class CeremonyRecord:
    """A ceremony, or a later change by which a key from one was exchanged or revoked. ``number`` counts from 1,
    ``sha256`` (32 bytes) is that of the transcript, ``held`` in Unix seconds."""

    number: int
    name: str
    sha256: bytes
    held: int


_RECORDS = Query(CeremonyRecord, "SELECT number, name, transcript_sha256 AS sha256, held FROM ceremonies")


class CeremonyStore(AuthorityTables):
    """The records. Changes belong into one transaction with what they are about."""

    def add_ceremony(self, name: str, sha256: bytes, *, held: int) -> None:
        with self._database.transaction():
            self._database.insert("ceremonies", {"name": name, "transcript_sha256": sha256, "held": held})

    def require_officers(self, count: int) -> None:
        """A decision takes at least *count* (1 to 4) officers from now on, for good."""
        self._database.insert("officers_required", {"one": 1, "officers": count})

    def officers_required(self) -> int:
        """How many officers a decision takes at least; 1 where the ceremony did not say, in an earlier release."""
        found = self._database.execute("SELECT officers FROM officers_required").fetchone()
        return 1 if found is None else int(found[0])

    def all_ceremonies(self) -> list[CeremonyRecord]:
        """Every one, the first first."""
        return _RECORDS.all(self._database, "ORDER BY number")

    def ceremony(self, number: int) -> CeremonyRecord:
        """The one with this *number*. Raises :class:`UnknownKey`."""
        found = next((each for each in self.all_ceremonies() if each.number == number), None)
        if found is None:
            raise UnknownKey("There is no ceremony {number}.", number=number)
        return found


def transcript_path(store: Path, name: str, held: int) -> Path:
    """Where the transcript lies of the ceremony *name*, held at *held* (Unix seconds), beside the *store*."""
    stamp = instant(datetime.fromtimestamp(held, UTC)).replace("-", "").replace(":", "")
    return store.parent / "ceremonies" / f"{name}-{stamp}.txt"


class SetupCodeStore(AuthorityTables):
    """The codes that a ceremony left. Changes belong into one transaction with the officer that they make."""

    def add_code(self, digest: bytes, *, expires: int) -> None:
        """A code by its SHA-256, good until *expires* (Unix seconds)."""
        self._database.insert("setup_codes", {"digest": digest, "expires": expires})

    def unused(self, now: int) -> list[tuple[bytes, int]]:
        """The digests that still count, with the end of each."""
        query = "SELECT digest, expires FROM setup_codes WHERE used IS NULL AND expires > ? ORDER BY expires"
        return list(self._database.execute(query, (now,)))

    def use_code(self, digest: bytes, *, officer: str, at: int) -> bool:
        """Uses the code up for *officer*; False when somebody was faster."""
        self._unlock()
        return self._database.update("setup_codes", {"officer": officer, "used": at}, digest=digest, used=None)

    def add_recovery(self, digest: bytes, *, officer: str, expires: int, at: int) -> None:
        """A code for *officer* and nobody else, in place of an earlier one."""
        self.end_recoveries(officer, at=at)
        self._database.insert("recovery_codes", {"digest": digest, "officer": officer, "expires": expires})

    def end_recoveries(self, officer: str, *, at: int) -> None:
        """No code that was left for *officer* counts any more."""
        self._database.update("recovery_codes", {"ended": at}, officer=officer, ended=None)

    def recoveries(self, now: int) -> list[tuple[bytes, str, int]]:
        """Digest, officer and end of each recovery code that still counts."""
        query = "SELECT digest, officer, expires FROM recovery_codes WHERE ended IS NULL AND expires > ?"
        return list(self._database.execute(f"{query} ORDER BY officer", (now,)))

    def use_recovery(self, digest: bytes, *, at: int) -> bool:
        """Uses the code up; False when somebody was faster."""
        self._unlock()
        return self._database.update("recovery_codes", {"ended": at}, digest=digest, ended=None)

    def _unlock(self) -> None:
        self._database.update("setup_lock", {"failures": 0, "locked_until": 0}, one=1)

    def begin_attempt(self, *, allowed: int, now: int, lock_until: int) -> bool:
        """Counts a try before it is looked at; False while locked. The one number *allowed* locks."""
        with self._database.transaction():
            return self._database.changed(
                "UPDATE setup_lock SET failures = (failures + 1) % ?,"
                " locked_until = CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until END"
                " WHERE one = 1 AND locked_until <= ?",
                (allowed, allowed, lock_until, now),
            )


_BYTES = 20
_GROUP = 4


def new_code() -> str:
    """A code in eight groups of four (base32, RFC 4648): ``ABCD-EFGH-…``."""
    characters = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    return "-".join(characters[start : start + _GROUP] for start in range(0, len(characters), _GROUP))


def digest_of(code: str) -> bytes:
    """SHA-256 (32 bytes) of *code*, whatever case and gaps it was typed with."""
    characters = "".join(each for each in code.upper() if each.isalnum())
    return hashlib.sha256(b"vermilion set-up code\n" + characters.encode()).digest()
