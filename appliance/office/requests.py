"""Enrolment requests: a person proposes what to sign with, and an officer decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from appliance.history.chronicle import Chronicle
from appliance.model.office import EnrolmentRequest, ProposedCredential, ProposedPin, TotpDraft
from appliance.store.database import Database
from hsm.client import AuthorityClient


class EnrolmentRequests:
    """Takes requests and keeps them until an officer decides. Thread-safe."""

    def __init__(
        self, database: Database, chronicle: Chronicle, authority: AuthorityClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._chronicle = chronicle
        self._authority = authority
        self._now = now

    def draft_totp(self, subject: str, *, issuer: str, account: str) -> TotpDraft:
        """A new TOTP secret for *subject* to scan; nothing is kept here: ``sealed`` comes back with the form."""
        raise NotImplementedError

    def pin_totp(self, subject: str, *, sealed: str, pin: str, code: str) -> ProposedPin:
        """The credential of a :meth:`draft_totp` and a chosen PIN, once *code* proves that the secret was scanned.

        Raises :class:`PreconditionRefused` for a PIN that is not 6 to 12 digits (or trivial) and a wrong code.
        """
        raise NotImplementedError

    def submit(self, subject: str, credentials: Sequence[ProposedCredential], *, by: str) -> EnrolmentRequest:
        """Asks for *credentials* for *subject* (a first enrolment, or one more). The same again: the open request.

        Raises :class:`StateRefused` while another request of *subject* waits.
        """
        raise NotImplementedError

    def withdraw(self, request_id: str, *, by: str) -> None:
        """Ends an open request of one's own. Raises :class:`StateRefused`, :class:`NotFound`."""
        raise NotImplementedError

    def waiting(self) -> list[EnrolmentRequest]:
        """The open requests, oldest first."""
        raise NotImplementedError

    def of(self, subject: str) -> list[EnrolmentRequest]:
        """Every request of *subject*, newest first."""
        raise NotImplementedError

    def request(self, request_id: str) -> EnrolmentRequest:
        """The request. Raises :class:`NotFound`."""
        raise NotImplementedError
