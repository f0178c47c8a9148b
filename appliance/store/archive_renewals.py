"""Until when completed contracts, and packages of web captures, can be proven, and those whose last timestamp is
to be renewed. Both kinds have a table of the same form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.model.retention import Horizon
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.rows import Query, columns

_ENDLESS = "9999"


@dataclass(frozen=True, slots=True)
class KeptTable:
    """Where it stands, the column that names what is kept, and which rows could not be renewed."""

    name: str
    key: str
    failing: str = "attempts > 0"

    @property
    def kinds(self) -> str:
        """The query for the handful of different sets of algorithms, each found by one step in the index."""
        table = self.name
        return (
            f"WITH RECURSIVE kinds (name) AS (SELECT min(algorithms) FROM {table} UNION ALL"  # noqa: S608  # as below
            f" SELECT (SELECT min(algorithms) FROM {table} WHERE algorithms > name) FROM kinds"
            " WHERE name IS NOT NULL) SELECT name FROM kinds WHERE name IS NOT NULL"
        )


CONTRACTS = KeptTable("keeping", "contract")
PACKAGES = KeptTable("capture_packages", "capture", "attempts > 0 AND until <> ''")
"""Of web captures. While a row has no horizon, its package is still to be made."""


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
    """How many could not be renewed at the last try, and why the first of them could not."""

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


def save_package(tx: Transaction, capture_id: str, horizon: Horizon, now: datetime) -> None:
    """The package of the capture is there, unless that was disposed of meanwhile; this is the horizon of its last
    timestamp."""
    tx.execute(
        "INSERT INTO capture_packages (capture, since, until, algorithms)"
        " SELECT id, ?, ?, ? FROM captures WHERE id = ? AND state = 'done'"
        " ON CONFLICT (capture) DO UPDATE SET until = excluded.until, algorithms = excluded.algorithms,"
        " attempts = 0, retry_at = '', reason = NULL",
        (now, horizon.until, " ".join(horizon.algorithms), capture_id),
    )


def drop(tx: Transaction, number: str, *, of: KeptTable = CONTRACTS) -> None:
    """It is kept no longer: its documents were disposed of."""
    tx.execute(f"DELETE FROM {of.name} WHERE {of.key} = ?", (number,))  # noqa: S608  # names of this module


def fail(tx: Transaction, number: str, *, reason: str, retry_at: datetime, of: KeptTable = CONTRACTS) -> None:
    query = f"UPDATE {of.name} SET attempts = attempts + 1, reason = ?, retry_at = ? WHERE {of.key} = ?"  # noqa: S608
    tx.execute(query, (reason, retry_at, number))


def attempts(tx: Transaction, number: str, *, of: KeptTable = CONTRACTS) -> int:
    """How many have failed, one after the other."""
    return tx.count(f"SELECT coalesce(sum(attempts), 0) FROM {of.name} WHERE {of.key} = ?", (number,))  # noqa: S608


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


def unread(tx: Transaction, now: datetime, *, limit: int, of: KeptTable = CONTRACTS) -> list[str]:
    """Those whose horizon is still to be read from their document (packages: to be made), and that wait for no
    other try."""
    return tx.column(
        str,
        f"SELECT {of.key} FROM {of.name} WHERE algorithms = '' AND until = '' AND retry_at <= ? LIMIT ?",  # noqa: S608
        (now, limit),
    )


def take_unmade(tx: Transaction, now: datetime, *, until: datetime) -> str | None:
    """A capture whose package is to be made now; nobody else gets it before *until*."""
    for capture_id in unread(tx, now, limit=1, of=PACKAGES):
        tx.update("capture_packages", {"retry_at": until}, capture=capture_id)
        return capture_id
    return None


def count_unmade(tx: Transaction, since: datetime) -> RenewalFailures:
    """Captures recorded before then that have no package, and why one of them has none (None: nobody tried)."""
    where = "FROM capture_packages WHERE algorithms = '' AND until = '' AND since < ?"
    count = tx.count(f"SELECT count(*) {where}", (since,))
    return RenewalFailures(count, tx.value(str, f"SELECT max(reason) {where}", (since,)))


def due(
    tx: Transaction,
    before: datetime,
    ends: Mapping[str, datetime],
    *,
    now: datetime,
    limit: int,
    of: KeptTable = CONTRACTS,
) -> list[str]:
    """Those that stop being proven before *before*, and wait for no other try; most urgent first."""
    found: list[tuple[str, str]] = []
    for algorithms in _kinds(tx, of):
        rows = tx.execute(
            f"SELECT until, {of.key} FROM {of.name} WHERE algorithms = ? AND until < ? AND retry_at <= ?"  # noqa: S608
            " ORDER BY until LIMIT ?",
            (algorithms, _bound(algorithms, before, ends), now, limit),
        )
        found += [(until, number) for until, number in rows]
    return [number for _, number in sorted(found)[:limit]]


def count_due(
    tx: Transaction, before: datetime, ends: Mapping[str, datetime], *, of: KeptTable = CONTRACTS
) -> int:
    """How many stop being proven earlier than *before*."""
    counts = (
        tx.count(
            f"SELECT count(*) FROM {of.name} WHERE algorithms = ? AND until < ?",  # noqa: S608  # as above
            (algorithms, _bound(algorithms, before, ends)),
        )
        for algorithms in _kinds(tx, of)
    )
    return sum(counts)


def first_end(tx: Transaction, ends: Mapping[str, datetime]) -> datetime | None:
    """When the first of all contracts stops being proven; None when none is kept."""
    found = []
    for algorithms in _kinds(tx, CONTRACTS):
        until = tx.value(datetime, "SELECT min(until) FROM keeping WHERE algorithms = ?", (algorithms,))
        if until is not None:
            found.append(Horizon(until, tuple(algorithms.split())).end(ends))
    return min(found, default=None)


def failing(tx: Transaction, *, of: KeptTable = CONTRACTS) -> RenewalFailures:
    """Those whose last attempt failed."""
    where = f"FROM {of.name} WHERE {of.failing}"
    count = tx.count(f"SELECT count(*) {where}")
    return RenewalFailures(count, tx.value(str, f"SELECT reason {where} ORDER BY {of.key} LIMIT 1"))


def failed(tx: Transaction, *, limit: int) -> list[tuple[str, str]]:
    """Contracts whose last attempt failed, with the reason."""
    rows = tx.execute(
        "SELECT contract, reason FROM keeping WHERE attempts > 0 ORDER BY contract LIMIT ?", (limit,)
    )
    return [(contract, reason) for contract, reason in rows]


def _kinds(tx: Transaction, of: KeptTable) -> list[str]:
    return [name for (name,) in tx.execute(of.kinds) if name]


def _bound(algorithms: str, before: datetime, ends: Mapping[str, datetime]) -> str:
    """The certificate's end before which this kind is due: any, when one of its algorithms ends before that."""
    over = any(ends[name] < before for name in algorithms.split() if name in ends)
    return _ENDLESS if over else instant(before)
