"""Public keys of authenticators (COSE, RFC 9053): the few kinds that are strong, and that can be verified here.

ES384 and PS256 would be strong enough too, but py_webauthn does not verify them as authenticators make them.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography

from hsm.errors import BadRequest

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
