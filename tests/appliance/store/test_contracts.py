"""Contracts in real SQLite: what was read must still be so when it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pysqlite3
import pytest

from appliance.errors import NotFound, StateRefused
from appliance.model.contract import ContractRevision, ContractState, PartyState, RevisionKind
from appliance.store import contracts
from appliance.store.database import Database
from tests.appliance.contracts.samples import NOON, contract
from tests.appliance.store.seeds import seeded

SIGNED = ContractRevision(2, RevisionKind.SIGNATURE, "2" * 64, 3000, NOON, "party-1")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = seeded(tmp_path / "vermilion.db")
    yield opened
    opened.close()


def test_a_contract_comes_back_as_it_was_stored(database: Database) -> None:
    with database.reading() as tx:
        assert contracts.load_contract(tx, "contract-1") == contract()
        with pytest.raises(NotFound):
            contracts.load_contract(tx, "contract-2")


def test_a_revision_follows_the_one_that_was_read(database: Database) -> None:
    with database.transaction() as tx:
        seen = contracts.load_contract(tx, "contract-1")
        contracts.add_revision(tx, seen, SIGNED, state=ContractState.SENT)
        contracts.mark_signed(tx, seen, seen.parties[0], NOON)
        after = contracts.load_contract(tx, "contract-1")
    assert after.current == SIGNED
    assert after.parties[0].state is PartyState.SIGNED


@pytest.mark.parametrize(
    "stale",
    [
        replace(contract(), revisions=contract().revisions[:1]),
        replace(contract(), state=ContractState.DRAFT),
    ],
)
def test_what_changed_in_the_meantime_is_refused(database: Database, stale: object) -> None:
    assert isinstance(stale, type(contract()))
    with pytest.raises(StateRefused, match="changed"), database.transaction() as tx:
        contracts.add_revision(tx, stale, SIGNED, state=ContractState.SENT)
    with pytest.raises(StateRefused, match="changed"), database.transaction() as tx:
        contracts.move(tx, stale, ContractState.RECALLED)
    with database.reading() as tx:
        assert contracts.load_contract(tx, "contract-1") == contract()


def test_a_party_signs_or_declines_once(database: Database) -> None:
    seen = contract()
    with database.transaction() as tx:
        contracts.mark_signed(tx, seen, seen.parties[0], NOON)
    with pytest.raises(StateRefused), database.transaction() as tx:
        contracts.mark_signed(tx, seen, seen.parties[0], NOON)
    with pytest.raises(StateRefused), database.transaction() as tx:
        contracts.mark_declined(tx, seen, seen.parties[0], "no")


def test_revisions_are_never_rewritten(database: Database) -> None:
    for statement in ("UPDATE revisions SET size = 1", "DELETE FROM revisions"):
        with pytest.raises(pysqlite3.IntegrityError, match="revision is never"), database.transaction() as tx:
            tx.execute(statement)


def test_overdue_contracts_are_found(database: Database) -> None:
    due = contract().deadline.at
    with database.reading() as tx:
        assert contracts.overdue(tx, due - timedelta(seconds=1)) == []
        assert contracts.overdue(tx, due) == ["contract-1"]
