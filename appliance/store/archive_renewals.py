"""Until when completed contracts can be proven, and those whose archive timestamp is to be renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.model.retention import Horizon
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.rows import Query, columns

_ENDLESS = "9999"
_KINDS = (
    "WITH RECURSIVE kinds (name) AS (SELECT min(algorithms) FROM keeping UNION ALL"
    " SELECT (SELECT min(algorithms) FROM keeping WHERE algorithms > name) FROM kinds WHERE name IS NOT NULL)"
    " SELECT name FROM kinds WHERE name IS NOT NULL"
)
"""The handful of different sets of algorithms, each found by one step in the index."""


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """What is known of one contract: ``horizon`` None until it has been read from the document; ``attempts`` to
    renew it have failed."""

    contract: str
    revision: int
    horizon: Horizon | None
    attempts: int


@dataclass(frozen=True, slots=True)
class RenewalFailures:
    """How many contracts could not be renewed at the last try, and why the first of them could not."""

    count: int
    reason: str | None


def save_horizon(tx: Transaction, contract_id: str, revision: int, horizon: Horizon) -> None:
    """The archive timestamp of *revision* is the contract's last, with this horizon."""
    tx.execute(
        "INSERT INTO keeping (contract, revision, until, algorithms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (contract) DO UPDATE SET revision = excluded.revision, until = excluded.until,"
        " algorithms = excluded.algorithms, attempts = 0, retry_at = '', reason = NULL",
        (contract_id, revision, horizon.until, " ".join(horizon.algorithms)),
    )


def drop(tx: Transaction, contract_id: str) -> None:
    """The contract is kept no longer: its documents were disposed of."""
    tx.execute("DELETE FROM keeping WHERE contract = ?", (contract_id,))


def fail(tx: Transaction, contract_id: str, *, reason: str, retry_at: datetime) -> None:
    tx.execute(
        "UPDATE keeping SET attempts = attempts + 1, reason = ?, retry_at = ? WHERE contract = ?",
        (reason, retry_at, contract_id),
    )


def status_of(tx: Transaction, contract_id: str) -> ArchiveStatus | None:
    """What is known of a contract; None for one that is not kept."""
    return _STATUSES.first(tx, "WHERE contract = ?", (contract_id,))


def _horizon(until: str, algorithms: str) -> Horizon | None:
    return Horizon(datetime.fromisoformat(until), tuple(algorithms.split())) if until else None


_STATUSES = Query(
    ArchiveStatus,
    "SELECT contract, revision, until, algorithms, attempts FROM keeping",
    horizon=columns(_horizon, "until", "algorithms"),
)


def unread(tx: Transaction, now: datetime, *, limit: int) -> list[str]:
    """Contracts whose horizon is still to be read from their document, and that wait for no other try."""
    return tx.column(
        str,
        "SELECT contract FROM keeping WHERE algorithms = '' AND until = '' AND retry_at <= ? LIMIT ?",
        (now, limit),
    )


def due(
    tx: Transaction, before: datetime, ends: Mapping[str, datetime], *, now: datetime, limit: int
) -> list[str]:
    """Contracts that stop being proven before *before*, and wait for no other try; most urgent first."""
    found: list[tuple[str, str]] = []
    for algorithms in _kinds(tx):
        rows = tx.execute(
            "SELECT until, contract FROM keeping WHERE algorithms = ? AND until < ? AND retry_at <= ?"
            " ORDER BY until LIMIT ?",
            (algorithms, _bound(algorithms, before, ends), now, limit),
        )
        found += [(until, contract) for until, contract in rows]
    return [contract for _, contract in sorted(found)[:limit]]


def count_due(tx: Transaction, before: datetime, ends: Mapping[str, datetime]) -> int:
    """How many contracts stop being proven earlier than *before*."""
    counts = (
        tx.count(
            "SELECT count(*) FROM keeping WHERE algorithms = ? AND until < ?",
            (algorithms, _bound(algorithms, before, ends)),
        )
        for algorithms in _kinds(tx)
    )
    return sum(counts)


def first_end(tx: Transaction, ends: Mapping[str, datetime]) -> datetime | None:
    """When the first of all contracts stops being proven; None when none is kept."""
    found = []
    for algorithms in _kinds(tx):
        until = tx.value(datetime, "SELECT min(until) FROM keeping WHERE algorithms = ?", (algorithms,))
        if until is not None:
            found.append(Horizon(until, tuple(algorithms.split())).end(ends))
    return min(found, default=None)


def failing(tx: Transaction) -> RenewalFailures:
    """The contracts whose last attempt failed."""
    count = tx.count("SELECT count(*) FROM keeping WHERE attempts > 0")
    reason = tx.value(str, "SELECT reason FROM keeping WHERE attempts > 0 ORDER BY contract LIMIT 1")
    return RenewalFailures(count, reason)


def failed(tx: Transaction, *, limit: int) -> list[tuple[str, str]]:
    """Contracts whose last attempt failed, with the reason."""
    rows = tx.execute(
        "SELECT contract, reason FROM keeping WHERE attempts > 0 ORDER BY contract LIMIT ?", (limit,)
    )
    return [(contract, reason) for contract, reason in rows]


def _kinds(tx: Transaction) -> list[str]:
    return [name for (name,) in tx.execute(_KINDS) if name]


def _bound(algorithms: str, before: datetime, ends: Mapping[str, datetime]) -> str:
    """The certificate's end before which this kind is due: any, when one of its algorithms ends before that."""
    over = any(ends[name] < before for name in algorithms.split() if name in ends)
    return _ENDLESS if over else instant(before)
