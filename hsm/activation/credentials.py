"""What a credential proves: WebAuthn assertions, and the weaker PIN with a one-time code.

An assertion (WebAuthn Level 3, section 7.2) is bound to the intent by its challenge. Keys are COSE (RFC 9053), of
the few kinds that are strong and can be verified here; ES384 and PS256 would be strong enough too, but py_webauthn
does not verify them as authenticators make them. Nothing in PIN and code (RFC 6238) is bound to the intent.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import argon2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from hsm.errors import ActivationLocked, ActivationRefused, BadRequest, CertificateRefused
from hsm.intents import PasskeyRegistration, PinTotpActivation, WebAuthnActivation

if TYPE_CHECKING:  # who only computes codes, such as the console, loads nothing of PKCS#11 and of the store
    from hsm.generation import TokenKeyWrapping
    from hsm.store import Credential, SubjectStore


def verify_assertion(
    activation: WebAuthnActivation,
    public_key: bytes,
    *,
    challenge: bytes,
    rp_id: str,
    origins: Sequence[str],
    counter: int = 0,
) -> int:
    """The authenticator's new counter, when the assertion is over *challenge* by *public_key* (COSE).

    Demands user presence and user verification, our relying party, one of *origins*, and a counter beyond
    *counter* (or that is not kept at all). Raises :class:`ActivationRefused`.
    """
    response = AuthenticatorAssertionResponse(
        client_data_json=activation.client_data,
        authenticator_data=activation.authenticator_data,
        signature=activation.signature,
    )
    try:
        verified = verify_authentication_response(
            credential=AuthenticationCredential(
                id=bytes_to_base64url(activation.credential_id),
                raw_id=activation.credential_id,
                response=response,
            ),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            credential_public_key=public_key,
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        # What the library lets escape on hostile client data is not one family of exceptions.
        raise ActivationRefused(
            "The activation does not verify for this act ({reason}). Activate again.", reason=error
        ) from error
    return verified.new_sign_count


_ES256, _EDDSA, _RS256 = -7, -8, -257
_FORMATS = (AttestationFormat.PACKED, AttestationFormat.FIDO_U2F, AttestationFormat.TPM)
"""Those for which py_webauthn takes our roots alone; for others it adds roots of its own."""
_NOT_APPROVED = "Only authenticators of the kinds that this enterprise has approved are taken."


def verify_registration(
    registration: PasskeyRegistration, *, rp_id: str, origins: Sequence[str], roots: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Credential id and public key (COSE) of the authenticator that answered (WebAuthn Level 3, section 7.1).

    With *roots* (PEM) only an authenticator whose attestation leads to one of them is taken. Raises
    :class:`ActivationRefused`, and :class:`BadRequest` for a kind of key that is not taken.
    """
    try:
        if roots:
            _require_certified(registration.attestation_object)
        verified = verify_registration_response(
            credential=RegistrationCredential(
                id="",
                raw_id=b"",
                response=AuthenticatorAttestationResponse(
                    client_data_json=registration.client_data,
                    attestation_object=registration.attestation_object,
                ),
            ),
            expected_challenge=registration.challenge,
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            require_user_verification=True,
            pem_root_certs_bytes_by_fmt={each: list(roots) for each in _FORMATS} if roots else None,
        )
    except ActivationRefused:
        raise
    except Exception as error:
        # Hostile attestations make the library raise whatever its readers and OpenSSL do; none is acceptable.
        raise ActivationRefused(
            "The passkey could not be registered ({reason}). Try again.", reason=error
        ) from error
    require_known_key(verified.credential_public_key)
    return verified.credential_id, verified.credential_public_key


def _require_certified(attestation_object: bytes) -> None:
    """Raises :class:`ActivationRefused` unless the attestation has certificates: py_webauthn verifies one without
    (none, or packed by the passkey's own key), which leads to no root."""
    attestation = parse_attestation_object(attestation_object)
    if attestation.fmt not in _FORMATS or not attestation.att_stmt.x5c:
        raise ActivationRefused(_NOT_APPROVED)


_SMALLEST_RSA = 2048
_LARGEST_KEY = 1100
"""Bytes: RSA with 8,192 bits has 1,040."""
_UNCOMPRESSED_POINT = 0x04
"""How U2F keys begin, which name no algorithm."""
_UNKNOWN = "The public key of this authenticator is not a COSE key that is known."


def require_known_key(public_key: bytes) -> None:
    """Raises :class:`BadRequest` unless *public_key* is ES256 on P-256, Ed25519, or RS256 of 2,048 bits."""
    if not public_key or len(public_key) > _LARGEST_KEY or public_key[0] == _UNCOMPRESSED_POINT:
        raise BadRequest(_UNKNOWN)
    try:
        decoded: Any = decode_credential_public_key(public_key)
        key: Any = decoded_public_key_to_cryptography(decoded)
    except Exception as error:
        # Hostile COSE makes the library raise whatever its reader and OpenSSL do; none of it is acceptable.
        raise BadRequest(_UNKNOWN) from error
    if not _is_strong(decoded.alg, key):
        raise BadRequest(
            "This authenticator's key is of a kind that is not accepted (ES256, EdDSA, RS256 with {bits} bits).",
            bits=_SMALLEST_RSA,
        )


def _is_strong(algorithm: Any, key: Any) -> bool:
    if algorithm == _ES256:
        return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if algorithm == _EDDSA:
        return isinstance(key, ed25519.Ed25519PublicKey)
    return algorithm == _RS256 and isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA


STEP_SECONDS = 30
_DIGITS = 6
_TOLERATED_STEPS = (0, -1, 1)


def code_at(secret: bytes, step: int) -> str:
    """The code of the time *step* (30-second periods since 1970), RFC 4226 section 5.3."""
    return HOTP(secret, _DIGITS, hashes.SHA1(), enforce_key_length=False).generate(step).decode()  # noqa: S303 - as RFC 4226 says


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
        """The time step of the code, when PIN and code are right. The attempt is counted before it is checked.

        Raises :class:`ActivationLocked` or :class:`ActivationRefused`, which never says which of the two was
        wrong.
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
