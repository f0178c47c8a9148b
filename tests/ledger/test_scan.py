"""What the log says of a contract between two checkpoints is proven to be all, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.errors import LedgerDamaged, NotFound
from appliance.ledger import LedgerEntry, LogScan, Sequencer, record, require_chain
from appliance.store import ledger as store
from appliance.store.database import Database
from hsm.merkle import leaf_hash
from tests.ledger.local_authority import LocalAuthority
from tests.ledger.test_check import tamper

WHEN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
MINE, OTHER = "contract-mine", "contract-other"


@pytest.fixture
def tell(database: Database) -> Callable[[str], int]:
    """Records the next entry of a contract's chain, as the audit does."""
    chains: dict[str, tuple[int, bytes]] = {}

    def told(contract: str) -> int:
        count, before = chains.get(contract, (0, b""))
        public: dict[str, Any] = {"contract": contract, "sequence": count + 1}
        if before:
            public["previous"] = leaf_hash(before).hex()
        with database.transaction() as tx:
            number = record(tx, LedgerEntry("fields-placed", WHEN, public))
            chains[contract] = (count + 1, store.leaf(tx, number))
        return number

    return told


@pytest.fixture
def numbers(tell: Callable[[str], int], sequencer: Sequencer, grow: Callable[[int], None]) -> list[int]:
    """Five entries of mine: three under the first checkpoint, two more under the second."""
    mine = []
    for round_ in range(3):
        grow(40)
        mine.append(tell(MINE))
        tell(OTHER)
        assert round_ < 3
    sequencer.run_once()
    for _ in range(2):
        grow(30)
        mine.append(tell(MINE))
    sequencer.run_once()
    return mine


@pytest.fixture
def scan(database: Database, local: LocalAuthority) -> LogScan:
    return LogScan(database, local.key)


def first_size(database: Database) -> int:
    with database.reading() as tx:
        return int(tx.execute("SELECT min(size) FROM checkpoints").fetchone()[0])


def test_all_of_it_is_found(scan: LogScan, numbers: list[int]) -> None:
    proven = scan.history(MINE)
    assert [number for number, _ in proven.entries] == numbers
    assert scan.history("contract-nobody").entries == ()


def test_a_part_between_two_checkpoints(scan: LogScan, database: Database, numbers: list[int]) -> None:
    middle = first_size(database)
    assert [number for number, _ in scan.history(MINE, end=middle).entries] == numbers[:3]
    assert [number for number, _ in scan.history(MINE, start=middle).entries] == numbers[3:]


def test_sizes_without_a_checkpoint_are_refused(scan: LogScan, database: Database, numbers: list[int]) -> None:
    for size in (7, 10**9):
        with pytest.raises(NotFound, match=f"no checkpoint of size {size}"):
            scan.history(MINE, end=size)
    with pytest.raises(NotFound, match="is before"):
        scan.history(MINE, start=scan.history(MINE).end, end=first_size(database))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE ledger SET leaf = CAST(replace(leaf, 'mine', 'miné') AS BLOB) WHERE number = 40",
            "not of this log",
        ),
        ("DELETE FROM ledger WHERE number = 40", "not of this log|missing"),
        ("UPDATE checkpoints SET note = CAST(replace(note, 'jia', 'yi') AS BLOB)", "not signed"),
    ],
)
def test_what_was_tampered_with_is_seen(
    scan: LogScan, database: Database, numbers: list[int], statement: str, said: str
) -> None:
    tamper(database, statement)
    with pytest.raises(LedgerDamaged, match=said):
        scan.history(MINE)


def test_a_gap_is_seen(scan: LogScan, numbers: list[int]) -> None:
    entries = list(scan.history(MINE).entries)
    require_chain(entries, contract=MINE)
    require_chain(entries[2:], contract=MINE, whole=False)
    for left_out in range(len(entries) - 1):
        with pytest.raises(LedgerDamaged, match="gap before"):
            require_chain(entries[:left_out] + entries[left_out + 1 :], contract=MINE)
    with pytest.raises(LedgerDamaged):
        require_chain(entries, contract=OTHER)
