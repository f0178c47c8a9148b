"""Registrations that have begun, and credentials that wait for an officers' decision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from hsm.errors import CertificateRefused
from hsm.operation_types import PendingCredential
from hsm.rows import Query, fields_of, refusing
from hsm.store.database import AuthorityTables
from hsm.store.people import Credential

_PENDING = Query(
    PendingCredential,
    "SELECT fingerprint, kind, credential_id, public_key, registered, reference FROM pending_credentials",
    registered=lambda seconds: datetime.fromtimestamp(seconds, UTC),
)
_CREDENTIALS = Query(
    Credential,
    "SELECT number, subject, kind, credential_id, public_key, 0 AS sign_count, pin_hash, totp_secret,"
    " totp_step, reference FROM pending_credentials",
)
MOST_OF_SUBJECT: Final = 8
"""Registrations of one subject that have begun on one page, and credentials that wait; a newer one takes the place
of the oldest."""

MOST: Final = 10_000
"""The same of everybody together."""


class RegistrationStore(AuthorityTables):
    """Thread-bound, as the whole store."""

    def begin(self, challenge: bytes, subject: str, form: str = "", *, now: int, expires: int) -> None:
        """Remembers a challenge until it is taken or expires, or newer ones take its place: of this subject, on
        the same page (*form*)."""
        self._database.change("DELETE FROM registrations WHERE expires <= ?", (now,))
        row = {"challenge": challenge, "subject": subject, "form": form, "expires": expires}
        self._database.insert("registrations", row)
        self._database.change(
            "DELETE FROM registrations WHERE subject = ?1 AND form = ?2 AND number <= (SELECT number"
            " FROM registrations WHERE subject = ?1 AND form = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)",
            (subject, form, MOST_OF_SUBJECT),
        )
        self._database.change(
            "DELETE FROM registrations WHERE number <="
            " (SELECT number FROM registrations ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (MOST,),
        )

    def take(self, challenge: bytes, subject: str, *, now: int) -> bool:
        """Uses up a challenge that was given for *subject*; False for any other."""
        return self._database.changed(
            "DELETE FROM registrations WHERE challenge = ? AND subject = ? AND expires > ?",
            (challenge, subject, now),
        )

    def add_pending(self, fingerprint: str, credential: Credential, *, at: int, oldest: int) -> None:
        """Keeps a registered credential, anew if it waits already; those from before *oldest* are forgotten.
        Raises CertificateRefused for one that somebody has, or whose id waits for the same subject with another
        key. An id may wait for several: nobody keeps somebody else's from being registered."""
        self._database.change("DELETE FROM pending_credentials WHERE registered < ?", (oldest,))
        self.drop(credential.subject, fingerprint)
        names = "subject kind credential_id public_key pin_hash totp_secret totp_step reference"
        taken = CertificateRefused("This credential is registered already.")
        if self._database.exists("SELECT 1 FROM credentials WHERE credential_id = ?", (credential.credential_id,)):
            raise taken
        with refusing(taken):
            row = {**fields_of(credential, names), "fingerprint": fingerprint, "registered": at}
            self._database.insert("pending_credentials", row)
        self._database.change(
            "DELETE FROM pending_credentials WHERE subject = ?1 AND number <= (SELECT number"
            " FROM pending_credentials WHERE subject = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
            (credential.subject, MOST_OF_SUBJECT),
        )
        self._database.change(
            "DELETE FROM pending_credentials WHERE number <="
            " (SELECT number FROM pending_credentials ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (MOST,),
        )

    def pending(self, subject: str, *, oldest: int) -> list[PendingCredential]:
        """What waits for a decision about *subject*, oldest first, without its secrets; nothing from before
        *oldest*."""
        condition = "WHERE subject = ? AND registered >= ? ORDER BY number"
        return _PENDING.all(self._database, condition, (subject, oldest))

    def subjects(self, *, oldest: int) -> list[str]:
        """Those about whom something waits that is not from before *oldest*, by name."""
        query = "SELECT DISTINCT subject FROM pending_credentials WHERE registered >= ? ORDER BY subject"
        return self._database.column(str, query, (oldest,))

    def credential(self, subject: str, fingerprint: str, *, oldest: int) -> Credential:
        """The waiting credential of *subject*. Raises :class:`CertificateRefused` for no such fingerprint, or one
        from before *oldest*."""
        missing = CertificateRefused(
            "{subject} has registered no credential with the fingerprint {fingerprint}; compare it again.",
            subject=subject,
            fingerprint=fingerprint,
        )
        condition = "WHERE subject = ? AND fingerprint = ? AND registered >= ?"
        return _CREDENTIALS.one(self._database, condition, (subject, fingerprint, oldest), missing=missing)

    def drop(self, subject: str, fingerprint: str | None = None) -> None:
        """Forgets what waits for *subject*, or only what has this fingerprint."""
        self._database.change(
            "DELETE FROM pending_credentials WHERE subject = ?1 AND (?2 IS NULL OR fingerprint = ?2)",
            (subject, fingerprint),
        )
