"""``log check`` finds every byte that somebody with the file in their hands has changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.errors import LedgerDamaged
from appliance.ledger import LogCheck, Sequencer
from appliance.ledger.check import CHUNK, require_remembered
from appliance.store.database import Database
from tests.ledger.local_authority import LocalAuthority
from tests.sweeps import one_in

Grow = Callable[[int], None]
SIZE = CHUNK + 300  # 4,396


@pytest.fixture
def log(database: Database, local: LocalAuthority, sequencer: Sequencer, grow: Grow) -> LogCheck:
    grow(1000)
    sequencer.run_once()
    grow(SIZE - 1001)
    sequencer.run_once()
    grow(2)
    return LogCheck(database, local)


def tamper(database: Database, *statements: str) -> None:
    """As somebody would who owns the file and knows that there are triggers."""
    with database.transaction() as tx:
        for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            tx.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            tx.execute(statement)


def test_a_log_that_holds(log: LogCheck) -> None:
    report = log.check()
    assert (report.size, report.waiting, report.checkpoints) == (SIZE, 3, 2)


def test_an_empty_log_holds(database: Database, local: LocalAuthority) -> None:
    assert LogCheck(database, local).check().size == 0


CHANGES = [
    "UPDATE ledger SET leaf = x'00' WHERE number = 0",
    "UPDATE ledger SET leaf = x'00' WHERE number = 4095",
    "UPDATE ledger SET leaf = x'00' WHERE number = 4100",
    "UPDATE ledger SET leaf = x'00' WHERE number = 4395",
    "UPDATE ledger SET number = 100000 WHERE number = 4100",
    "UPDATE subtrees SET hash = zeroblob(32) WHERE number = 0",
    "UPDATE subtrees SET hash = zeroblob(32) WHERE number = 4711",
    "UPDATE subtrees SET hash = zeroblob(32) WHERE number = 8190",
    "UPDATE subtrees SET hash = zeroblob(32) WHERE number = (SELECT max(number) FROM subtrees)",
    "DELETE FROM subtrees WHERE number = 4711",
    "DELETE FROM subtrees WHERE number = (SELECT max(number) FROM subtrees)",
    "UPDATE checkpoints SET root = zeroblob(32) WHERE size = 1000",
    "UPDATE checkpoints SET note = x'00' WHERE size = 1000",
    "UPDATE checkpoints SET note = (SELECT max(note) FROM checkpoints WHERE size > 1000) WHERE size = 1000",
    "UPDATE checkpoints SET size = 999 WHERE size = 1000",
    "UPDATE checkpoints SET token = x'00' WHERE size = 1000",
    "UPDATE checkpoints SET token = (SELECT token FROM checkpoints WHERE size > 1000) WHERE size = 1000",
]


@pytest.mark.parametrize("statement", one_in(4, CHANGES))
def test_whatever_is_changed_is_found(log: LogCheck, database: Database, statement: str) -> None:
    tamper(database, statement)
    with pytest.raises(LedgerDamaged):
        log.check()


def test_a_rewritten_end_with_its_hashes_is_found_by_the_authoritys_memory(
    log: LogCheck, database: Database, local: LocalAuthority
) -> None:
    """Everything agrees with itself: only the authority knows better."""
    tamper(
        database,
        "UPDATE ledger SET leaf = CAST('{\"forged\":true}' AS BLOB) WHERE number = 4394",
        "DELETE FROM subtrees",
        "DELETE FROM checkpoints",
    )
    forger = Sequencer(database, local)
    forger._place()
    with pytest.raises(LedgerDamaged, match="not the one that the authority signed"):
        log.check()
    with pytest.raises(LedgerDamaged, match="not the one that the authority signed"):
        require_remembered(database, local)
