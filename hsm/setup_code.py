"""One-time set-up codes: 160 random bits as people copy them from paper; only their hash is kept."""

from __future__ import annotations

import base64
import hashlib
import secrets

_BYTES = 20
_GROUP = 4


def new_code() -> str:
    """A code in eight groups of four (base32, RFC 4648): ``ABCD-EFGH-…``."""
    characters = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    return "-".join(characters[start : start + _GROUP] for start in range(0, len(characters), _GROUP))


def digest_of(code: str) -> bytes:
    """SHA-256 (32 bytes) of *code*, whatever case and gaps it was typed with."""
    characters = "".join(each for each in code.upper() if each.isalnum())
    return hashlib.sha256(b"vermilion set-up code\n" + characters.encode()).digest()
