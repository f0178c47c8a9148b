"""Registering what people will activate with: begun and verified here, kept until officers decide about it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from hsm.activation.credentials import (
    matching_step,
    require_known_key,
    require_strong_hash,
    totp_context,
    verify_assertion,
    verify_registration,
)
from hsm.errors import ActivationRefused, BadRequest
from hsm.intents import PasskeyRegistration, WebAuthnActivation, in_groups
from hsm.names import is_name
from hsm.operation_types import BegunRegistration, PendingCredential
from hsm.operations.context import AuthorityContext, Handlers
from hsm.store import Credential, SubjectKind

LASTS = timedelta(minutes=15)
"""How long a registration may take."""

KEPT = timedelta(days=30)
"""How long a registered credential waits for officers."""

LONGEST_REFERENCE = 160
"""Characters that are kept of a reference."""

LONGEST_FORM = 64
"""Characters that are kept of the name of a page."""

_SHORTEST_SECRET = 16


def fingerprint_of(*parts: bytes) -> str:
    """Twenty hexadecimal digits in groups of four: what an applicant reads to an officer."""
    return in_groups(hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest())


def oldest_kept(context: AuthorityContext) -> int:
    """When a registration that still counts was made at the earliest, in seconds since 1970."""
    return int((context.now() - KEPT).timestamp())


def verified_passkey(
    context: AuthorityContext, subject: str, registration: PasskeyRegistration, reference: str | None
) -> Credential:
    """The credential of a registration that was begun for *subject*, with the *reference* that is kept with it.
    Its challenge is used up. Raises :class:`ActivationRefused` and :class:`BadRequest`."""
    configured = context.settings.activation
    take_challenge(context, subject, registration.challenge)
    identifier, public_key = verify_registration(
        registration,
        rp_id=configured.rp_id,
        origins=configured.origins,
        roots=configured.roots(context.settings.home),
    )
    kept = None if reference is None else reference[:LONGEST_REFERENCE]
    return Credential(0, subject, "webauthn", credential_id=identifier, public_key=public_key, reference=kept)


def take_challenge(context: AuthorityContext, subject: str, challenge: bytes) -> None:
    """Uses up the challenge of a registration that was begun for *subject*. Raises :class:`ActivationRefused`."""
    with context.store.transaction():
        now = int(context.now().timestamp())
        if not context.store.registrations.take(challenge, subject, now=now):
            raise ActivationRefused(
                "This registration was used already, is too old, or was made for somebody else. Begin again."
            )


class RegistrationOperations(Handlers):
    """Asked by the activation service alone, so that nobody else's database can put a key in the place of one."""

    def begin_registration(self, subject: str, form: str = "") -> BegunRegistration:
        _require_person(subject)
        challenge, now = secrets.token_bytes(32), self._context.now()
        with self._store.transaction():
            expires = int((now + LASTS).timestamp())
            begun = int(now.timestamp())
            self._store.registrations.begin(challenge, subject, form[:LONGEST_FORM], now=begun, expires=expires)
        configured = self._context.settings.activation
        pin = configured.pin_totp and not is_name(subject, SubjectKind.OFFICER)
        return BegunRegistration(challenge, bool(configured.attestation), pin)

    def register_passkey(
        self, subject: str, registration: PasskeyRegistration, reference: str | None = None
    ) -> PendingCredential:
        _require_person(subject)
        return self._passkey(verified_passkey(self._context, subject, registration, reference))

    def register_known_passkey(
        self, subject: str, challenge: bytes, public_key: bytes, assertion: WebAuthnActivation
    ) -> PendingCredential:
        _require_person(subject)
        configured = self._context.settings.activation
        if configured.attestation:
            raise ActivationRefused("Set up a new passkey: it has to prove of which kind it is.")
        require_known_key(public_key)
        take_challenge(self._context, subject, challenge)
        credential = Credential(
            0, subject, "webauthn", credential_id=assertion.credential_id, public_key=public_key
        )
        verify_assertion(
            assertion, public_key, challenge=challenge, rp_id=configured.rp_id, origins=configured.origins
        )
        return self._passkey(credential)

    def register_pin(self, subject: str, pin_hash: str, sealed: bytes, code: str) -> PendingCredential:
        _require_person(subject)
        if is_name(subject, SubjectKind.OFFICER):
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        if not self._context.settings.activation.pin_totp:
            raise ActivationRefused("PIN and code are not taken here; set up a passkey.")
        require_strong_hash(pin_hash)
        secret = self._context.wrapping.unwrap(f"activation:enrolment:{subject}", sealed)
        if len(secret) < _SHORTEST_SECRET:
            raise BadRequest("A TOTP secret has at least 128 bits (RFC 4226, section 4).")
        step = matching_step(secret, code, self._context.now())
        if step is None:
            raise ActivationRefused("The six digits are not those of now; wait for the next ones.")
        wrapped = self._context.wrapping.wrap(totp_context(subject), secret)
        credential = Credential(0, subject, "pin-totp", pin_hash=pin_hash, totp_secret=wrapped, totp_step=step)
        return self._kept(credential, fingerprint_of(subject.encode(), pin_hash.encode(), secret))

    def _passkey(self, credential: Credential) -> PendingCredential:
        identifier, key = credential.credential_id or b"", credential.public_key or b""
        return self._kept(credential, fingerprint_of(credential.subject.encode(), identifier, key))

    def pending_credentials(self, subject: str) -> list[PendingCredential]:
        return self._store.registrations.pending(subject, oldest=oldest_kept(self._context))

    def pending_subjects(self) -> list[str]:
        return self._store.registrations.subjects(oldest=oldest_kept(self._context))

    def drop_pending(self, subject: str, fingerprint: str) -> None:
        _require_person(subject)
        with self._store.transaction():
            self._store.registrations.drop(subject, fingerprint)

    def _kept(self, credential: Credential, fingerprint: str) -> PendingCredential:
        moment, oldest = int(self._context.now().timestamp()), oldest_kept(self._context)
        with self._store.transaction():
            self._store.registrations.add_pending(fingerprint, credential, at=moment, oldest=oldest)
        at = datetime.fromtimestamp(moment, UTC)
        return PendingCredential(
            fingerprint, credential.kind, credential.credential_id, credential.public_key, at, credential.reference
        )


def _require_person(subject: str) -> None:
    if not (is_name(subject, SubjectKind.PERSON) or is_name(subject, SubjectKind.OFFICER)):
        raise BadRequest("{subject} has no credentials of its own.", subject=subject)
