"""PIN and one-time code: the weaker kind of activation, because nothing in it is bound to the intent."""

from __future__ import annotations

from datetime import datetime, timedelta

import argon2

from hsm.activation.totp import matching_step
from hsm.errors import ActivationLocked, ActivationRefused, CertificateRefused
from hsm.generation import KeyWrapping
from hsm.intents import PinTotpActivation
from hsm.store import Credential, SubjectStore

ALLOWED_ANSWERS = 5
LOCKED_FOR = timedelta(minutes=15)


class PinVerifier:
    """Checks answers against the store; five wrong ones lock a credential for fifteen minutes."""

    def __init__(self, people: SubjectStore, wrapping: KeyWrapping) -> None:
        self._people = people
        self._wrapping = wrapping
        self._hasher = argon2.PasswordHasher()

    def verify(self, activation: PinTotpActivation, credential: Credential, *, now: datetime) -> int:
        """The time step of the code, when PIN and code are right. The answer counts before it is looked at.

        Raises :class:`ActivationLocked` or :class:`ActivationRefused`, which never says which was wrong.
        """
        counted = self._people.begin_attempt(
            credential,
            allowed=ALLOWED_ANSWERS,
            now=int(now.timestamp()),
            lock_until=int((now + LOCKED_FOR).timestamp()),
        )
        if not counted:
            raise ActivationLocked(
                "Too many wrong answers: the PIN of {subject} is locked for up to 15 minutes.",
                subject=activation.subject,
            )
        secret = self._wrapping.unwrap(totp_context(credential.subject), credential.totp_secret or b"")
        step = matching_step(secret, activation.totp, now)
        if not self._pin_fits(credential, activation.pin) or step is None or step <= credential.totp_step:
            raise ActivationRefused(
                "The PIN or the code is wrong, or the code was used before. Wait for the next code."
            )
        return step

    def _pin_fits(self, credential: Credential, pin: str) -> bool:
        try:
            return self._hasher.verify(credential.pin_hash or "", pin)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def totp_context(subject: str) -> str:
    """The context that a person's TOTP secret is wrapped under."""
    return f"totp:{subject}"


def require_strong_hash(pin_hash: str) -> None:
    """Raises :class:`CertificateRefused` unless *pin_hash* is argon2id within bounds (RFC 9106, section 4)."""
    try:
        parameters = argon2.extract_parameters(pin_hash)
    except argon2.exceptions.InvalidHashError as error:
        raise CertificateRefused("The PIN's hash is not one of argon2id.") from error
    sane = (
        parameters.type is argon2.Type.ID
        and 19_456 <= parameters.memory_cost <= 262_144
        and 2 <= parameters.time_cost <= 10
        and parameters.parallelism <= 8
    )
    if not sane:
        raise CertificateRefused("The PIN's hash must be argon2id with 19 to 256 MiB and 2 to 10 passes.")
