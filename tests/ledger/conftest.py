"""A log with a database on disk and the authority's own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.ledger import LedgerEntry, Sequencer, record
from appliance.ledger.timestamp_spool import TimestampSpool
from appliance.store.database import Database
from tests.ledger.local_authority import LocalAuthority

WHEN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def local(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "vermilion.db")


@pytest.fixture
def sequencer(database: Database, local: LocalAuthority) -> Sequencer:
    return Sequencer(database, local)


@pytest.fixture
def grow(database: Database) -> Callable[[int], None]:
    """Adds entries that have no place in the tree yet."""

    def add(count: int) -> None:
        with database.transaction() as tx:
            for number in range(count):
                record(tx, LedgerEntry("contract-drafted", WHEN, {"number": number}))

    return add


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "timestamps"


@pytest.fixture
def writer(spool: Path) -> Iterator[TimestampSpool]:
    writing = TimestampSpool(spool)
    yield writing
    writing.close()
