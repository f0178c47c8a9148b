"""The first officers: appointed by one-time codes that the ceremony left, without another officer's activation."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hsm import canonical
from hsm.answers import Appointment
from hsm.certificates import require_text
from hsm.errors import ActivationLocked, ActivationRefused, BadRequest
from hsm.operations.bench import Bench
from hsm.operations.people import credentials_of, require_organisation, subject_of
from hsm.setup_code import digest_of
from hsm.store import SubjectKind
from hsm.wire import field

_ALLOWED_TRIES = 5
_LOCKED_FOR = timedelta(minutes=15)
_LONGEST_CODE = 80
_BY = "setup-code"


class Appointing:
    """What a set-up code opens; the ceremony decides how many there are and for how long."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def appointment(self, _arguments: Mapping[str, Any]) -> list[Any]:
        """How many codes still count, and until when the last one does."""
        codes = self._bench.store.setup.unused(int(self._bench.now().timestamp()))
        until = datetime.fromtimestamp(max(end for _, end in codes), UTC) if codes else None
        return Appointment(len(codes), until).to_wire()

    def appoint_officer(self, arguments: Mapping[str, Any]) -> None:
        """A new officer with an authenticator.

        1. name, organisation and authenticator are such as an officer may have;
        2. the code's hash is one that is unused and has not run out, compared in constant time;
        3. wrong ones are counted, five of them for fifteen minutes; the right one counts all the same: nobody
           guesses 160 bits, and nobody who tries keeps the first officers out;
        4. code, officer and record in one durable transaction.
        """
        details = field(arguments, "details", dict)
        code = field(arguments, "code", str)
        subject = subject_of(details, SubjectKind.OFFICER)
        require_text(subject.name)
        require_organisation(self._bench, subject.organisation)
        credential = details.get("credential")
        if not isinstance(credential, dict) or credential.get("kind") != "webauthn":
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        [known] = credentials_of(subject.subject, [credential], self._bench)
        now = self._bench.now()
        digest = self._matching(code, now)
        store, moment = self._bench.store, int(now.timestamp())
        with store.transaction():
            store.people.add(subject, enrolled=moment)
            store.people.add_credential(known, added=moment)
            if not store.setup.use(digest, officer=subject.subject, at=moment):
                raise ActivationRefused(_WRONG)
            record = canonical.encode({"act": "appoint_officer", "subject": subject.subject}).decode()
            store.acts.authorise(secrets.token_bytes(16), record, activated_by=[_BY], strength=_BY, at=moment)

    def _matching(self, code: str, now: datetime) -> bytes:
        moment, store = int(now.timestamp()), self._bench.store.setup
        given = digest_of(code[:_LONGEST_CODE])
        matching = [digest for digest, _ in store.unused(moment) if hmac.compare_digest(digest, given)]
        if matching:
            return matching[0]
        lock_until = int((now + _LOCKED_FOR).timestamp())
        if not store.begin_attempt(allowed=_ALLOWED_TRIES, now=moment, lock_until=lock_until):
            raise ActivationLocked("Too many wrong codes were entered lately; this one is wrong as well.")
        raise ActivationRefused(_WRONG)


_WRONG = "The set-up code is wrong, was used or has run out. It is on paper from the key ceremony."
