"""The log: appends in batches, proofs, the full check; how they grow.

Up to a million entries are appended as the product does it, and timed. The nine million after them are leaves made
ready, put into the table by the same code in larger transactions; the sequencer gives them their places as ever.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from appliance.ledger import LedgerEntry, LogCheck, LogProofs, Sequencer, record
from appliance.ledger.entry import leaf_of
from appliance.store import ledger
from appliance.store.database import Database
from hsm.client import AuthorityClient
from tests.bench.measure import Figure, median, milliseconds_of
from tests.bench.stage import authority_of, founded_home

SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
BATCH, BULK = 500, 20_000


def figures() -> list[Figure]:
    """Appends, proofs and checks at 1×, 10×, 100× and at ten million; a row's figure is that of the largest."""
    with founded_home() as settings, authority_of(settings):
        socket = settings.home.authority_socket("scheduler")
        with AuthorityClient(socket) as authority, _database() as database:
            return _grown(database, authority)


def _grown(database: Database, authority: AuthorityClient) -> list[Figure]:
    appends, proofs, checks = {}, {}, {}
    size = 0
    for target in (*SIZES, LARGEST):
        if target == LARGEST:
            _append_in_bulk(database, target)
        else:
            appends[target] = _append(database, target - size)
        Sequencer(database, authority).run_once()
        size = target
        proofs[target] = median(milliseconds_of(lambda: _one_proof(database), times=200))
        checks[target] = _check(LogCheck(database, authority))
    return [
        _figure("log: appends in batches of 500, durable", "per s", appends, 5000.0),
        _figure("log: one inclusion proof", "ms", proofs, 1.0, smaller_is_better=True),
        _figure("log: full check", "entries/s", checks, 200_000.0),
    ]


def _figure(
    work: str, unit: str, values: dict[int, float], target: float, *, smaller_is_better: bool = False
) -> Figure:
    growth = {f"{size:,} entries": value for size, value in values.items()}
    value = values[max(values)]
    return Figure(work, unit, value, target=target, smaller_is_better=smaller_is_better, growth=growth)


@contextmanager
def _database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="vermilion-bench-") as folder:
        database = Database(Path(folder, "log.db"))
        try:
            yield database
        finally:
            database.close()


def _append(database: Database, entries: int) -> float:
    started = time.perf_counter()
    for first in range(0, entries, BATCH):
        with database.transaction() as tx:
            for number in range(first, min(first + BATCH, entries)):
                record(tx, LedgerEntry("bench", datetime.now(UTC), public={"number": number}))
    return entries / (time.perf_counter() - started)


def _append_in_bulk(database: Database, size: int) -> None:
    """Brings the log to *size* entries: leaves of the usual form, told apart by their numbers."""
    leaf = leaf_of(LedgerEntry("bench", datetime.now(UTC), public={"number": 10**7}), {})
    before, _, after = leaf.partition(b"10000000")
    with database.reading() as tx:
        there = ledger.length(tx)
    for first in range(there, size, BULK):
        with database.transaction() as tx:
            ledger.append(tx, [b"%s%d%s" % (before, n, after) for n in range(first, min(first + BULK, size))])


def _one_proof(database: Database) -> None:
    proofs = LogProofs(database)
    size = proofs.checkpoint().size
    proofs.inclusion(random.randrange(size), size)  # noqa: S311 - which entry is asked for is no secret


def _check(log: LogCheck) -> float:
    started = time.perf_counter()
    report = log.check()
    return report.size / (time.perf_counter() - started)
