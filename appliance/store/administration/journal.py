"""The journal of the administration: lines that only grow, each with the digest of the one before.

A line's digest is SHA-256 over the digest before it, 16 random bytes, and what the line says. Each function runs
in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from appliance.model.administration import JournalKind, JournalLine
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored
from hsm import canonical

_START = bytes(32)
_LINE = "SELECT number, at, who, kind, act, detail, salt, previous, digest FROM journal"


def append(
    tx: Transaction,
    kind: JournalKind,
    who: str,
    now: datetime,
    *,
    act: str | None,
    detail: Mapping[str, str | int],
) -> None:
    """One more line."""
    last, previous = _last(tx)
    said = (last + 1, stored(now), who, kind.value, act, canonical.encode(dict(detail)).decode())
    salt = secrets.token_bytes(16)
    tx.execute(
        "INSERT INTO journal (number, at, who, kind, act, detail, salt, previous, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*said, salt, previous, _digest(previous, salt, said)),
    )


def lines(tx: Transaction, *, before: int | None = None, limit: int = 50) -> list[JournalLine]:
    """The newest lines first, at most *limit*, with numbers below *before*."""
    beyond = length(tx) + 1 if before is None else before
    rows = tx.execute(f"{_LINE} WHERE number < ? ORDER BY number DESC LIMIT ?", (beyond, limit))
    return [_line(row) for row in rows]


def after(tx: Transaction, number: int, *, limit: int) -> list[tuple[JournalLine, bytes]]:
    """The lines after *number*, in their order, each with its digest."""
    rows = tx.execute(f"{_LINE} WHERE number > ? ORDER BY number LIMIT ?", (number, limit))
    return [(_line(row), bytes(row[8])) for row in rows]


def length(tx: Transaction) -> int:
    """How many lines there are."""
    return _last(tx)[0]


def identity(tx: Transaction) -> str:
    """Which journal this is (16 hex digits)."""
    return str(tx.execute("SELECT journal FROM identity").fetchone()[0])


def digest(tx: Transaction, number: int) -> bytes | None:
    """The digest of the line *number*; None when there is no such line."""
    row = tx.execute("SELECT digest FROM journal WHERE number = ?", (number,)).fetchone()
    return None if row is None else bytes(row[0])


def broken_at(tx: Transaction, *, beyond: int = 0, upto: int | None = None) -> int | None:
    """The first line *beyond* that number (and up to another one) that does not follow from the one before it;
    None when they all do."""
    before = _START if beyond == 0 else digest(tx, beyond)
    last = length(tx) if upto is None else upto
    rows = tx.execute(f"{_LINE} WHERE number > ? AND number <= ? ORDER BY number", (beyond, last))
    for expected, row in enumerate(rows, beyond + 1):
        salt, previous, own = (bytes(each) for each in row[6:])
        if before is None or (row[0], previous, own) != (expected, before, _digest(before, salt, row[:6])):
            return expected
        before = own
    return None


def _last(tx: Transaction) -> tuple[int, bytes]:
    row = tx.execute("SELECT number, digest FROM journal ORDER BY number DESC LIMIT 1").fetchone()
    return (0, _START) if row is None else (int(row[0]), bytes(row[1]))


def told(row: tuple[Any, ...], known: bytes) -> dict[str, Any]:
    """What the line (number, at, who, kind, act, detail, salt, previous) says besides; nothing when it is not the
    one whose digest is *known*."""
    salt, previous = bytes(row[6]), bytes(row[7])
    return dict(canonical.decode(row[5].encode())) if _digest(previous, salt, row[:6]) == known else {}


def _digest(previous: bytes, salt: bytes, said: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(previous + salt + canonical.encode(list(said))).digest()


def _line(row: tuple[Any, ...]) -> JournalLine:
    kind = JournalKind(row[3]) if row[3] in set(JournalKind) else JournalKind.UNKNOWN
    return JournalLine(row[0], loaded(row[1]), row[2], kind, row[4], canonical.decode(row[5].encode()))
