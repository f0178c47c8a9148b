"""Secrets at rest: sealed by AES-256-GCM under a key that is kept elsewhere, each for its context alone."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hsm.errors import NotPermitted

_NONCE = 12


def seal(key: bytes, context: str, value: bytes) -> bytes:
    """*value*, sealed under *key* (32 bytes) for *context*: nonce, ciphertext, tag."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, value, context.encode())


def unseal(key: bytes, context: str, sealed: bytes) -> bytes:
    """What was sealed under the same *key* for the same *context*. Raises :class:`NotPermitted` for anything
    else."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise NotPermitted("This secret was sealed for somebody else, or under another key.") from error
