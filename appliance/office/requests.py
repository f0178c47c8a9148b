"""Enrolment requests: a person proposes what to sign with, and an officer decides. PIN and one-time code are made
here, proven once, and encrypted by the authority until then."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise

import argon2

from appliance.accounts.codes import CodeDraft, LoginCodes
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import (
    EnrolmentRequest,
    EnrolmentRequestState,
    ProposedCredential,
    ProposedPasskey,
    ProposedPin,
)
from appliance.office.notifying import checked_reason, notify_inviter, notify_officers
from appliance.store import enrolment, outbox
from appliance.store.database import reads

_PIN_LENGTHS = range(6, 13)
_FORM_IS_OLD = "This form is too old; scan the new code and enter its six digits."

USE = "enrolment"
"""What secrets that wait for somebody's enrolment are wrapped for."""


def _require_pin(pin: str) -> None:
    if len(pin) not in _PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        raise PreconditionRefused("A PIN has 6 to 12 digits.")
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise PreconditionRefused("This PIN is one that everybody guesses; choose another.")


MOST_CREDENTIALS = 4


class EnrolmentRequests(AccountsPart):
    """Takes requests and keeps them until an officer decides. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self._signing_codes = LoginCodes(self._authority, context.issuer, use=USE, stale=_FORM_IS_OLD)

    def draft_totp(self, subject: str, account: str, *, sealed: str = "") -> CodeDraft:
        """A new TOTP secret for *subject* to scan, or the one in *sealed* when its form has come back with a
        mistake in it; nothing is kept here. Raises :class:`PreconditionRefused` for a form that is not theirs."""
        return self._signing_codes.draft_secret(subject, account, sealed=sealed)

    def pin_totp(self, subject: str, *, sealed: str, pin: str, code: str) -> ProposedPin:
        """The credential of a :meth:`draft_totp` and a chosen PIN, once *code* proves that the secret was scanned.

        Raises :class:`PreconditionRefused` for a PIN that is not 6 to 12 digits (or trivial) and a wrong code.
        """
        _require_pin(pin)
        wrapped, step = self._signing_codes.opened_step(subject, sealed, code, now=self._now())
        if step is None:
            raise PreconditionRefused("The six digits are not those of now; wait for the next ones.")
        hasher = argon2.PasswordHasher(memory_cost=65_536, time_cost=3, parallelism=1)
        return ProposedPin(hasher.hash(pin), wrapped)

    def submit_request(
        self, subject: str, credentials: Sequence[ProposedCredential], *, by: str
    ) -> EnrolmentRequest:
        """Asks for *credentials* for *subject* (a first enrolment, or one more). The same again: the open request.

        Raises :class:`StateRefused` while another request of *subject* waits, :class:`PreconditionRefused` for
        none or too many (somebody who is enrolled adds one at a time).
        """
        self._require_number(subject, credentials)
        now = self._now().replace(microsecond=0)
        with self._database.transaction() as tx:
            before = enrolment.open_request(tx, subject)
            if before is not None:
                if _passkeys(before.credentials) == _passkeys(credentials) != ():
                    return before
                raise StateRefused("A request of yours waits already; withdraw it first, or wait for an officer.")
            kinds = tuple(_kind(each) for each in credentials)
            request = EnrolmentRequest(
                secrets.token_hex(8), subject, kinds, tuple(credentials), EnrolmentRequestState.OPEN, now
            )
            enrolment.insert(tx, request)
            public = {"subject": subject, "request": request.id, "kinds": " ".join(kinds)}
            self._append_event(tx, EventKind.ENROLMENT_REQUESTED, by, public)
            notify_officers(tx, NoticeKind.ENROLMENT_WAITING, now, about=request.id)
            notify_inviter(tx, subject, now)
        return request

    def withdraw_request(self, request_id: str, *, by: str) -> None:
        """Ends an open request of one's own. Raises :class:`StateRefused`; :class:`NotFound` for others' too."""
        now = self._now()
        with self._database.transaction() as tx:
            request = enrolment.request(tx, request_id)
            if request.subject != by:
                raise enrolment.unknown(request_id)
            enrolment.close(tx, request_id, EnrolmentRequestState.WITHDRAWN, at=now, by=by)
            self._append_event(tx, EventKind.ENROLMENT_WITHDRAWN, by, {"subject": by, "request": request_id})

    def refuse_request(self, request_id: str, *, reason: str, by: str) -> None:
        """An officer says no, with a *reason* for the person. Raises :class:`StateRefused` when decided before."""
        now, words = self._now(), checked_reason(reason, "Say why the request is refused; the person reads it.")
        with self._database.transaction() as tx:
            request = enrolment.request(tx, request_id)
            enrolment.close(tx, request_id, EnrolmentRequestState.REFUSED, at=now, by=by, reason=words)
            public = {"subject": request.subject, "request": request_id}
            self._append_event(tx, EventKind.ENROLMENT_REFUSED, by, public, reason=words)
            # The reason stands on the person's page.
            outbox.enqueue(tx, Notice(None, request.subject, NoticeKind.ENROLMENT_REFUSED, now, request_id))

    waiting = reads(enrolment.waiting)
    requests_of = reads(enrolment.of_subject)
    find_request = reads(enrolment.request)

    def _require_number(self, subject: str, credentials: Sequence[ProposedCredential]) -> None:
        if not 1 <= len(credentials) <= MOST_CREDENTIALS:
            raise PreconditionRefused("A request has 1 to {most} credentials.", most=MOST_CREDENTIALS)
        if len(credentials) > 1 and self._authority.credentials(subject):
            raise PreconditionRefused("Whoever is enrolled adds one credential at a time.")


def _kind(credential: ProposedCredential) -> str:
    return "webauthn" if isinstance(credential, ProposedPasskey) else "pin-totp"


def _passkeys(credentials: Sequence[ProposedCredential]) -> tuple[bytes, ...]:
    """What tells one request from another: a PIN's hash is never the same twice."""
    return tuple(each.credential_id for each in credentials if isinstance(each, ProposedPasskey))
