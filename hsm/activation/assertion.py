"""WebAuthn assertions (Level 3, section 7.2), bound to the intent by their challenge, and authenticators' public
keys.

Keys are COSE (RFC 9053), of the few kinds that are strong and can be verified here. ES384 and PS256 would be
strong enough too, but py_webauthn does not verify them as authenticators make them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn import verify_authentication_response
from webauthn.helpers import bytes_to_base64url, decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from hsm.errors import ActivationRefused, BadRequest
from hsm.intents import WebAuthnActivation
from hsm.store import Credential


def verify_assertion(
    activation: WebAuthnActivation,
    credential: Credential,
    *,
    challenge: bytes,
    rp_id: str,
    origins: Sequence[str],
) -> int:
    """The authenticator's new counter, when the assertion is over *challenge* by *credential*.

    Demands user presence and user verification, our relying party, one of *origins*, and a counter that went up
    (or is not kept at all). Raises :class:`ActivationRefused`.
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
            credential_public_key=credential.public_key or b"",
            credential_current_sign_count=credential.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        # What the library lets escape on hostile client data is not one family of exceptions.
        raise ActivationRefused(
            "The activation does not verify for this act ({reason}). Activate again.", reason=error
        ) from error
    return verified.new_sign_count


_ES256, _EDDSA, _RS256 = -7, -8, -257
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
