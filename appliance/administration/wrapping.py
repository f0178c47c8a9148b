"""Secrets of the console at rest: AES-256-GCM under a key of its own, since it opens while the authority is
gone."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hsm.errors import NotPermitted

SMALLEST_KEY = 32
"""Bytes."""

_NONCE = 12


class OwnWrapping:
    """Seals under one secret *key*, each value for its context alone. Thread-safe.

    The key is asked for when it is used: not every process that looks after the administration has it.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def wrap_key(self, context: str, key: bytes) -> bytes:
        """*key*, sealed for *context*: nonce, ciphertext, tag."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, key, context.encode())

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        """What was sealed for the same *context*. Raises :class:`NotPermitted` for anything else."""
        try:
            return self._cipher().decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise NotPermitted("This secret was sealed for somebody else, or under another key.") from error

    def _cipher(self) -> AESGCM:
        return AESGCM(derived(self._key(), "wrapping"))


def derived(key: bytes, use: str) -> bytes:
    """A key (32 bytes) for one *use*, from the console's secret *key*. Raises ValueError for one that is too
    short."""
    if len(key) < SMALLEST_KEY:
        raise ValueError(f"a key of the console has {SMALLEST_KEY} bytes or more")
    return hmac.digest(key, b"vermilion console: " + use.encode(), "sha256")
