"""Entries: canonical, numbered without gaps, never altered; what is private can be erased."""

from __future__ import annotations

import json

import pysqlite3
import pytest

from appliance.ledger import LedgerEntry, LogProofs, Sequencer, commitment, record
from appliance.ledger.entry import TimestampEntry, leaf_of, record_tokens
from appliance.store import ledger, retention
from appliance.store.database import Database
from hsm import canonical
from hsm.errors import Malformed
from hsm.timestamp import order_for
from tests.ledger.conftest import WHEN
from tests.ledger.local_authority import LocalAuthority
from tests.log import count_timestamps, entry_of_timestamp


def test_entries_are_numbered_in_the_order_of_commits(database: Database) -> None:
    for expected in range(3):
        with pytest.raises(RuntimeError), database.transaction() as tx:
            record(tx, LedgerEntry("undone", WHEN))
            raise RuntimeError
        with database.transaction() as tx:
            assert record(tx, LedgerEntry("done", WHEN)) == expected


def test_the_leaf_is_canonical_and_holds_no_private_value(database: Database) -> None:
    with database.transaction() as tx:
        number = record(tx, LedgerEntry("party-signed", WHEN, {"revision": 2}, {"name": "张示例"}))
        leaf = ledger.leaf(tx, number)
    stated = canonical.decode(leaf)
    assert stated["kind"] == "party-signed"
    assert stated["at"] == "2026-11-25T08:00:00Z"
    assert stated["public"] == {"revision": 2}
    assert "张示例" not in leaf.decode()
    opening = json.loads(database.query(ledger.opening, number) or "")
    assert opening["name"]["value"] == "张示例"
    assert stated["commitments"] == {"name": commitment("name", **opening["name"])}


def test_equal_private_values_have_different_commitments(database: Database) -> None:
    with database.transaction() as tx:
        numbers = [record(tx, LedgerEntry("x", WHEN, {}, {"name": "李样本"})) for _ in range(2)]
        first, second = (json.loads(ledger.leaf(tx, number))["commitments"]["name"] for number in numbers)
    assert first != second


def test_erasing_an_opening_leaves_the_tree_as_it_was(database: Database, sequencer: Sequencer) -> None:
    with database.transaction() as tx:
        number = record(tx, LedgerEntry("x", WHEN, {}, {"name": "李样本"}))
    before = sequencer.run_once()
    with database.transaction() as tx:
        assert retention.forget_openings(tx, [number]) == 1
    assert database.query(ledger.opening, number) is None
    assert LogProofs(database).checkpoint() == before


def test_a_value_without_one_form_is_refused_and_nothing_is_written(database: Database) -> None:
    with pytest.raises(Malformed), database.transaction() as tx:
        record(tx, LedgerEntry("x", WHEN, {"share": 0.1}))
    with database.reading() as tx:
        assert ledger.length(tx) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET leaf = x'00' WHERE number = 0",
        "DELETE FROM ledger WHERE number = 0",
        "INSERT INTO ledger (number, leaf) VALUES (7, x'00')",
        "INSERT INTO ledger (number, leaf) VALUES (1, zeroblob(65536))",
        "UPDATE subtrees SET hash = zeroblob(32)",
        "DELETE FROM subtrees",
        "UPDATE checkpoints SET note = x'00'",
        "DELETE FROM checkpoints",
        "UPDATE timestamps SET entry = 0",
        "DELETE FROM timestamps",
        "UPDATE openings SET fields = x'00'",
    ],
)
def test_the_tables_of_the_log_only_grow(database: Database, sequencer: Sequencer, statement: str) -> None:
    with database.transaction() as tx:
        record(tx, LedgerEntry("x", WHEN, {}, {"name": "李样本"}))
    sequencer.run_once()
    with pytest.raises(pysqlite3.IntegrityError), database.transaction() as tx:
        tx.execute(statement)


def test_a_timestamp_is_recorded_by_its_hash_under_its_serial(database: Database, local: LocalAuthority) -> None:
    tokens = local.timestamp([order_for(bytes(32)), order_for(bytes(32))])
    with database.transaction() as tx:
        first = record_tokens(tx, tokens)
        assert entry_of_timestamp(tx, tokens[1].serial) == first + 1
        assert entry_of_timestamp(tx, 1) is None
        assert count_timestamps(tx) == 2
    for token in tokens:
        stated = json.loads(TimestampEntry.of(token).leaf())
        entry = LedgerEntry("timestamp", token.gen_time, stated["public"])
        assert TimestampEntry.of(token).leaf() == leaf_of(entry, {})


def test_a_serial_is_issued_once(database: Database, local: LocalAuthority) -> None:
    tokens = local.timestamp([order_for(bytes(32))])
    with database.transaction() as tx:
        record_tokens(tx, tokens)
    with pytest.raises(pysqlite3.IntegrityError), database.transaction() as tx:
        record_tokens(tx, tokens)
    with database.reading() as tx:
        assert ledger.length(tx) == 1
