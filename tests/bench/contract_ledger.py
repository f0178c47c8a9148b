"""The contract ledger at growing portfolios: pages of an auditor and of who has a part in all, and exports."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from appliance.demonstration.participants import LI, ZHANG
from appliance.language import Language, translator
from appliance.ledger.disclosure import Audience
from appliance.listing.contract_ledger import ContractLedger, LedgerReader
from appliance.listing.exports import LedgerExports, LedgerFile
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import ContractState
from appliance.model.contract_ledger import LedgerColumn, LedgerDate, LedgerFilter, LedgerOrder
from appliance.store import people
from appliance.store.database import Database
from tests.bench.crowd import MEMBERS, member
from tests.bench.measure import Figure, median, milliseconds_of
from tests.bench.portfolio import Portfolio, fill

SIZES = (1_000, 10_000, 100_000)
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
FILTERS = (
    LedgerFilter(),
    *(LedgerFilter(order=order) for order in LedgerOrder),
    LedgerFilter(order=LedgerOrder.AMOUNT, ascending=True, least=Decimal(100_000), currency="USD"),
    LedgerFilter(text="珍稀标本", order=LedgerOrder.NUMBER),
    LedgerFilter(text="采购合同", order=LedgerOrder.AMOUNT),
    LedgerFilter(text="绝无仅有的字句", order=LedgerOrder.SENT),
    LedgerFilter(party="李", department="法务部", order=LedgerOrder.DEADLINE),
    LedgerFilter(state=ContractState.RECALLED, kind="采购", order=LedgerOrder.SENT),
    LedgerFilter(since=(NOW - timedelta(days=60)).date(), dated=LedgerDate.SENT, order=LedgerOrder.AMOUNT),
    LedgerFilter(due=30, order=LedgerOrder.DEADLINE, ascending=True),
)
TARGET_MS, TARGET_SECONDS = 100.0, 60.0


def figures() -> list[Figure]:
    """The slowest page, and both exports of everything, at 1×, 10× and 100×; a row's figure is the largest's."""
    pages, books, tables, memory = {}, {}, {}, {}
    with _ledger() as (empty, ledger, exports):
        portfolio = empty
        for size in SIZES:
            portfolio = fill(portfolio, size, logged=False)
            pages[size] = _slowest_page(ledger)
            books[size], memory[size] = _export(exports, LedgerFile.XLSX, size)
            tables[size], _ = _export(exports, LedgerFile.CSV, size)
    return [
        _figure("contract ledger: slowest page of 50", "ms", pages, TARGET_MS),
        _figure("contract ledger: whole export as workbook", "s", books, TARGET_SECONDS),
        _figure("contract ledger: whole export as CSV", "s", tables, TARGET_SECONDS),
        _figure("contract ledger: memory grown by the workbook", "MB", memory, 50.0),
    ]


def _figure(work: str, unit: str, values: dict[int, float], target: float) -> Figure:
    growth = {f"{size:,} contracts": value for size, value in values.items()}
    return Figure(work, unit, values[SIZES[-1]], target=target, smaller_is_better=True, growth=growth)


@contextmanager
def _ledger() -> Iterator[tuple[Portfolio, ContractLedger, LedgerExports]]:
    with tempfile.TemporaryDirectory(prefix="vermilion-bench-") as folder:
        database = Database(Path(folder, "ledger.db"))
        with database.transaction() as tx:
            for person in (ZHANG, LI, *map(member, range(MEMBERS))):
                people.insert_person(tx, person, None)
        ledger = ContractLedger(database, lambda: NOW)
        try:
            yield Portfolio(database, 0, NOW), ledger, LedgerExports(ledger, Path(folder, "exports"))
        finally:
            database.close()


def _reader(auditor: bool) -> LedgerReader:
    roles = frozenset({AccountRole.AUDITOR}) if auditor else PEOPLES_ROLES
    return LedgerReader(ZHANG.subject, roles, Audience.of_person(ZHANG), ZHANG.organisation, "Asia/Shanghai")


def _slowest_page(ledger: ContractLedger) -> float:
    """The first and the second page of each filter, for both readers: the median of the slowest."""
    slowest = 0.0
    for reader in (_reader(True), _reader(False)):
        for wanted in FILTERS:
            second = ledger.page(reader, wanted, limit=50).next
            for each in (wanted, replace(wanted, after=second)):
                taken = milliseconds_of(partial(ledger.page, reader, each, limit=50), times=5)
                slowest = max(slowest, median(taken))
    return slowest


def _export(exports: LedgerExports, form: LedgerFile, size: int) -> tuple[float, float]:
    """Seconds, and by how many megabytes the process grew meanwhile."""
    before, started = _peak(), time.perf_counter()
    made = exports.export(_reader(True), LedgerFilter(), list(LedgerColumn), form, translator(Language.CHINESE))
    made.file.close()
    if made.rows != size:
        raise RuntimeError(f"the export has {made.rows} rows of {size}")
    return time.perf_counter() - started, _peak() - before


def _peak() -> float:
    """Megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
