"""The journal of the administration: lines that only grow, each with the digest of the one before.

A line's digest is SHA-256 over the digest before it, 16 random bytes, and what the line says. Each function runs
in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from appliance.model.administration import JournalKind, JournalLine
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import instant
from hsm.rows import Query, columns

_START = bytes(32)
_SAID = "number, at, who, kind, act, detail"
"""What a line says: the columns that its digest covers, in their order."""


def append(
    tx: Transaction,
    kind: JournalKind,
    who: str,
    now: datetime,
    *,
    act: str | None,
    detail: Mapping[str, str | int],
) -> None:
    last, previous = _last(tx)
    said = (last + 1, instant(now), who, kind.value, act, canonical.encode(dict(detail)).decode())
    salt = secrets.token_bytes(16)
    tx.execute(
        "INSERT INTO journal (number, at, who, kind, act, detail, salt, previous, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*said, salt, previous, _digest(previous, salt, said)),
    )


def lines(tx: Transaction, *, before: int | None = None, limit: int = 50) -> list[JournalLine]:
    """The newest lines first, at most *limit*, with numbers below *before*."""
    beyond = length(tx) + 1 if before is None else before
    page = f"SELECT {_SAID} FROM journal WHERE number < ? ORDER BY number DESC LIMIT ?"  # noqa: S608  # a literal of this module
    return _LINES.all(tx, page, (beyond, limit))


def after(tx: Transaction, number: int, *, limit: int) -> list[tuple[JournalLine, bytes]]:
    """The lines after *number*, in their order, each with its digest."""
    following = "FROM journal WHERE number > ? ORDER BY number LIMIT ?"
    found = _LINES.all(tx, f"SELECT {_SAID} {following}", (number, limit))
    digests = tx.column(bytes, f"SELECT digest {following}", (number, limit))
    return list(zip(found, digests, strict=True))


def length(tx: Transaction) -> int:
    return _last(tx)[0]


def identity(tx: Transaction) -> str:
    """Which journal this is (16 hex digits)."""
    [name] = tx.column(str, "SELECT journal FROM identity")  # without it no line would be compared with the log
    return name


def digest(tx: Transaction, number: int) -> bytes | None:
    """The digest of the line *number*; None when there is no such line."""
    return tx.value(bytes, "SELECT digest FROM journal WHERE number = ?", (number,))


def broken_at(tx: Transaction, *, beyond: int = 0, upto: int | None = None) -> int | None:
    """The first line *beyond* that number (and up to another one) that does not follow from the one before it;
    None when they all do."""
    before = _START if beyond == 0 else digest(tx, beyond)
    last = length(tx) if upto is None else upto
    rows = tx.execute(
        f"SELECT salt, previous, digest, {_SAID} FROM journal WHERE number > ? AND number <= ? ORDER BY number",  # noqa: S608  # a literal
        (beyond, last),
    )
    for expected, (salt, previous, own, number, *said) in enumerate(rows, beyond + 1):
        if before is None or (number, previous, own) != (expected, before, _digest(before, salt, [number, *said])):
            return expected
        before = own
    return None


def _last(tx: Transaction) -> tuple[int, bytes]:
    row: tuple[int, bytes] | None = tx.execute(
        "SELECT number, digest FROM journal ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return (0, _START) if row is None else row


def told(row: tuple[Any, ...], known: bytes) -> dict[str, Any]:
    """What the line (number, at, who, kind, act, detail, salt, previous) says besides; nothing when it is not the
    one whose digest is *known*."""
    *said, salt, previous = row
    detail: str = said[-1]
    return dict(canonical.decode(detail.encode())) if _digest(previous, salt, said) == known else {}


def _digest(previous: bytes, salt: bytes, said: Sequence[Any]) -> bytes:
    return hashlib.sha256(previous + salt + canonical.encode(list(said))).digest()


def _kind(value: str) -> JournalKind:
    return JournalKind(value) if value in set(JournalKind) else JournalKind.UNKNOWN


_LINES = Query(
    JournalLine,
    kind=_kind,
    request=columns(lambda act: act, "act"),
    detail=lambda detail: canonical.decode(detail.encode()),
)
