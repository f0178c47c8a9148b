"""Officers by one-time codes that a ceremony left, without another officer's activation: the first ones, and those
who lost every authenticator."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hsm import canonical
from hsm.errors import ActivationLocked, ActivationRefused, BadRequest
from hsm.intents import required_field
from hsm.names import require_person_name
from hsm.operation_types import Appointment, CodeUse, NoArguments
from hsm.operations.context import AuthorityContext
from hsm.operations.people import credentials_from_details, require_organisation, subject_from_details
from hsm.store import Credential, SubjectKind
from hsm.store.ceremonies import digest_of

_ALLOWED_TRIES = 5
_LOCKED_FOR = timedelta(minutes=15)
_LONGEST_CODE = 80
_BY, _BY_RECOVERY = "setup-code", "recovery-code"


class AppointmentOperations:
    """What a set-up code opens; the ceremony decides how many there are and for how long."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def appointment(self, _request: NoArguments) -> Appointment:
        """How many codes still count, for whom recovery codes do, and until when the last one does."""
        moment = int(self._context.now().timestamp())
        codes, recoveries = self._context.store.setup.unused(moment), self._context.store.setup.recoveries(moment)
        ends = [end for _, end in codes] + [end for _, _, end in recoveries]
        until = datetime.fromtimestamp(max(ends), UTC) if ends else None
        return Appointment(len(codes), until, tuple(officer for _, officer, _ in recoveries))

    def appoint_officer(self, request: CodeUse) -> None:
        """A new officer with an authenticator.

        1. name, organisation and authenticator are such as an officer may have;
        2. the code's hash is one that is unused and has not run out, compared in constant time;
        3. wrong ones are counted, five of them for fifteen minutes; the right one counts all the same: nobody
           guesses 160 bits, and nobody who tries keeps the first officers out;
        4. code, officer and record in one durable transaction.
        """
        details, code = request.details, request.code
        subject = subject_from_details(details, SubjectKind.OFFICER)
        require_person_name(subject.name)
        require_organisation(self._context, subject.organisation)
        known = self._authenticator(subject.subject, details)
        now = self._context.now()
        store, moment = self._context.store, int(now.timestamp())
        digest = self._matching(code, [digest for digest, _ in store.setup.unused(moment)], now)
        with store.transaction():
            store.people.add_subject(subject, enrolled=moment)
            store.people.add_credential(known, added=moment)
            if not store.setup.use_code(digest, officer=subject.subject, at=moment):
                raise ActivationRefused(_WRONG)
            record = canonical.encode({"act": "appoint_officer", "subject": subject.subject}).decode()
            store.intents.authorise(secrets.token_bytes(16), record, activated_by=[_BY], strength=_BY, at=moment)

    def restore_officer(self, request: CodeUse) -> None:
        """A new authenticator for an officer who lost every one, by a code of :mod:`hsm.ceremony.recovery`.

        As with :meth:`appoint_officer`; the code is good for the officer whom the ceremony named, no other.
        """
        details, code = request.details, request.code
        subject = required_field(details, "subject", str)
        known = self._authenticator(subject, details)
        now = self._context.now()
        store, moment = self._context.store, int(now.timestamp())
        own = [digest for digest, officer, _ in store.setup.recoveries(moment) if officer == subject]
        digest = self._matching(code, own, now)
        with store.transaction():
            store.people.add_credential(known, added=moment)
            if not store.setup.use_recovery(digest, at=moment):
                raise ActivationRefused(_WRONG)
            record = canonical.encode({"act": "restore_officer", "subject": subject}).decode()
            store.intents.authorise(
                secrets.token_bytes(16), record, activated_by=[_BY_RECOVERY], strength=_BY_RECOVERY, at=moment
            )

    def _authenticator(self, subject: str, details: Mapping[str, Any]) -> Credential:
        credential = details.get("credential")
        if not isinstance(credential, dict) or credential.get("kind") != "webauthn":
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        [known] = credentials_from_details(subject, [credential], self._context)
        return known

    def _matching(self, code: str, digests: Sequence[bytes], now: datetime) -> bytes:
        """The one of *digests* that is the code's, compared in constant time; a wrong code is counted."""
        given = digest_of(code[:_LONGEST_CODE])
        matching = [digest for digest in digests if hmac.compare_digest(digest, given)]
        if matching:
            return matching[0]
        lock_until = int((now + _LOCKED_FOR).timestamp())
        store = self._context.store.setup
        if not store.begin_attempt(allowed=_ALLOWED_TRIES, now=int(now.timestamp()), lock_until=lock_until):
            raise ActivationLocked("Too many wrong codes were entered lately; this one is wrong as well.")
        raise ActivationRefused(_WRONG)


_WRONG = "The set-up code is wrong, was used or has run out. It is on paper from the key ceremony."
