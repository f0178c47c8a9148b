"""One-time codes by time (RFC 6238 with its defaults: HMAC-SHA-1, 30 seconds, 6 digits)."""

from __future__ import annotations

import hashlib
import hmac
import struct
from datetime import datetime

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
