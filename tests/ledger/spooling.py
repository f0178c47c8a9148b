"""Tokens and lines of the timestamp service's spool."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from appliance.ledger.timestamp_spool import spool_files
from hsm.timestamp import IssuedToken

AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def token(serial: int) -> IssuedToken:
    return IssuedToken(serial, AT, b"token %d" % serial)


def only_file(spool: Path) -> Path:
    [path] = spool_files(spool)
    return path


def line_of(*serials: int) -> bytes:
    rows = ",".join(f'["2026-11-25T08:00:00Z","{each:040x}","{"0" * 64}"]' for each in serials)
    return signed(f"[{rows}]".encode())


def signed(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:32].encode() + b" " + content + b"\n"
