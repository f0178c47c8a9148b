"""PIN and one-time code (RFC 6238): the weaker kind of activation, because nothing in it is bound to the
intent."""

from __future__ import annotations

import hashlib
import hmac
import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import argon2

from hsm.errors import ActivationLocked, ActivationRefused, CertificateRefused
from hsm.intents import PinTotpActivation
from hsm.store import Credential, SubjectStore

if TYPE_CHECKING:  # who only computes codes, such as the console, loads nothing of PKCS#11
    from hsm.generation import TokenKeyWrapping

STEP_SECONDS = 30
_DIGITS = 6
_TOLERATED_STEPS = (0, -1, 1)


def code_at(secret: bytes, step: int) -> str:
    """The code of the time *step* (30-second periods since 1970), RFC 4226 section 5.3."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def step_of(moment: datetime) -> int:
    """The time step that *moment* (aware) lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def matching_step(secret: bytes, code: str, moment: datetime) -> int | None:
    """The step around *moment* whose code is *code*, one to either side tolerated (RFC 6238, 5.2), or None."""
    current = step_of(moment)
    matching = None
    for difference in _TOLERATED_STEPS:
        if hmac.compare_digest(code_at(secret, current + difference).encode(), code.encode()):
            matching = current + difference
    return matching


ALLOWED_ANSWERS = 5
LOCKED_FOR = timedelta(minutes=15)


class PinVerifier:
    """Checks answers against the store; five wrong ones lock a credential for fifteen minutes."""

    def __init__(self, people: SubjectStore, wrapping: TokenKeyWrapping) -> None:
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
