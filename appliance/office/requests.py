"""Enrolment requests: a person asks to sign with what they have registered on the activation service's pages, and
an officer decides."""

from __future__ import annotations

import secrets
from contextlib import suppress

from appliance.accounts.account_setup import AccountSetup
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import AccountState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import (
    EnrolmentRequest,
    EnrolmentRequestState,
    ProposedCredential,
)
from appliance.office.notifying import checked_reason, notify_inviter, notify_officers
from appliance.store import accounts, enrolment, guests, outbox
from appliance.store.database import Transaction, reads
from hsm.names import is_name
from hsm.operation_types import PendingCredential

MOST_CREDENTIALS = 4


class EnrolmentRequests(AccountsPart):
    """Takes requests and keeps them until an officer decides. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self._setup = AccountSetup(context)

    def submit_request(self, subject: str, *, by: str) -> EnrolmentRequest:
        """Asks that *subject* may sign with what they have registered (a first enrolment, or one more credential).
        The same again: the open request.

        Raises :class:`StateRefused` while another request of *subject* waits, :class:`PreconditionRefused` when
        nothing was registered since the last one ended: of what was, its owner has the fingerprints before them
        (somebody who is enrolled adds the newest alone).
        """
        pending = self._to_be_asked_for(subject)
        if not pending:
            raise PreconditionRefused("Nothing was set up yet; set up a passkey on the confirmation page first.")
        enrolled = bool(self._authority.credentials(subject))
        newest = pending[-1:] if enrolled else pending[-MOST_CREDENTIALS:]
        credentials = tuple(ProposedCredential(each.kind, each.fingerprint) for each in newest)
        now = self._now().replace(microsecond=0)
        with self._database.transaction() as tx:
            before = enrolment.open_request(tx, subject)
            if before is not None:
                if before.credentials == credentials:
                    return before
                raise StateRefused("A request of yours waits already; withdraw it first, or wait for an officer.")
            kinds = tuple(each.kind for each in credentials)
            request = EnrolmentRequest(
                secrets.token_hex(8), subject, kinds, credentials, EnrolmentRequestState.OPEN, now
            )
            enrolment.insert(tx, request)
            public = {"subject": subject, "request": request.id, "kinds": " ".join(kinds)}
            self._append_event(tx, EventKind.ENROLMENT_REQUESTED, by, public)
            notify_officers(tx, NoticeKind.ENROLMENT_WAITING, now, about=request.id)
            notify_inviter(tx, subject, now)
        return request

    def _to_be_asked_for(self, subject: str) -> list[PendingCredential]:
        """What was registered since the last request ended; by the link of a welcome only what opens the account:
        who had an older link has none of its passkeys asked for."""
        ended = [each.decided.replace(microsecond=0) for each in self.requests_of(subject) if each.decided]
        with self._database.reading() as tx:
            own = {each.credential_id for each in accounts.passkeys_of(tx, subject)}
        return [
            each
            for each in self._authority.pending_credentials(subject)
            if (not ended or each.registered >= max(ended))
            and (each.reference is None or each.credential_id in own)
        ]

    def collect(self) -> None:
        """Takes over what people have registered on the activation service's pages and did not come back with:
        the account of somebody new opens, and an officer is asked."""
        for subject in self._authority.pending_subjects():
            if is_name(subject, "person"):
                self.collect_of(subject)

    def collect_of(self, subject: str) -> None:
        """The same of one person; nothing, if an officer has their request already or none can be made."""
        with suppress(PreconditionRefused, StateRefused):
            self._setup.open_registered(subject)
            with self._database.reading() as tx:
                asks = enrolment.open_request(tx, subject) is None and _may_ask(tx, subject)
            if asks:
                self.submit_request(subject, by=subject)

    def withdraw_request(self, request_id: str, *, by: str) -> None:
        """Ends an open request of one's own. Raises :class:`StateRefused`; :class:`NotFound` for others' too."""
        now = self._now()
        with self._database.transaction() as tx:
            request = enrolment.request(tx, request_id)
            if request.subject != by:
                raise enrolment.unknown(request_id)
            enrolment.close(tx, request_id, EnrolmentRequestState.WITHDRAWN, at=now, by=by)
            self._drop(request)
            self._append_event(tx, EventKind.ENROLMENT_WITHDRAWN, by, {"subject": by, "request": request_id})

    def refuse_request(self, request_id: str, *, reason: str, by: str) -> None:
        """An officer says no, with a *reason* for the person. Raises :class:`StateRefused` when decided before."""
        now, words = self._now(), checked_reason(reason, "Say why the request is refused; the person reads it.")
        with self._database.transaction() as tx:
            request = enrolment.request(tx, request_id)
            enrolment.close(tx, request_id, EnrolmentRequestState.REFUSED, at=now, by=by, reason=words)
            self._drop(request)
            public = {"subject": request.subject, "request": request_id}
            self._append_event(tx, EventKind.ENROLMENT_REFUSED, by, public, reason=words)
            # The reason stands on the person's page.
            outbox.enqueue(tx, Notice(None, request.subject, NoticeKind.ENROLMENT_REFUSED, now, request_id))

    def _drop(self, request: EnrolmentRequest) -> None:
        """Has the authority forget what was asked for: nobody gets in by it any more. No HSM is asked, so other
        writers do not wait for long."""
        for each in request.credentials:
            self._authority.drop_pending(request.subject, each.fingerprint)

    waiting = reads(enrolment.waiting)
    requests_of = reads(enrolment.of_subject)
    find_request = reads(enrolment.request)


def _may_ask(tx: Transaction, subject: str) -> bool:
    """Whether *subject* has an account that is open, or an invitation that was not taken back."""
    account = accounts.find_account(tx, subject)
    return not guests.is_revoked(tx, subject) if account is None else account.state is AccountState.ACTIVE
