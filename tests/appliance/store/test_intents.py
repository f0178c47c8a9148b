"""Intents in real SQLite: each state follows the one before, once, and a closed intent stays closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pysqlite3
import pytest

from appliance.errors import NotFound, StateRefused
from appliance.model.intent import IntentState
from appliance.store import intents
from appliance.store.database import Database
from tests.appliance.contracts.samples import NOON
from tests.appliance.store.seeds import intent, seeded


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = seeded(tmp_path / "vermilion.db")
    with opened.transaction() as tx:
        intents.insert_intent(tx, intent())
    yield opened
    opened.close()


def claim(database: Database, intent_id: str = "intent-1") -> None:
    with database.transaction() as tx:
        intents.lease_intent(tx, intent_id, lease_owner="process", now=NOON)


def state(database: Database, intent_id: str = "intent-1") -> IntentState:
    with database.reading() as tx:
        return intents.load_intent(tx, intent_id).state


def test_an_intent_comes_back_as_it_was_stored(database: Database) -> None:
    with database.reading() as tx:
        assert intents.load_intent(tx, "intent-1") == intent()
        with pytest.raises(NotFound):
            intents.load_intent(tx, "intent-2")


def test_the_way_of_a_signature(database: Database) -> None:
    claim(database)
    with database.transaction() as tx:
        intents.save_cms(tx, "intent-1", b"cms")
        intents.save_stamped(tx, "intent-1", cms=b"cms with token", at=NOON)
        intents.complete(tx, "intent-1")
        closed = intents.load_intent(tx, "intent-1")
    assert closed == replace(
        intent(),
        state=IntentState.COMPLETED,
        suffix=b"",
        lease_owner="process",
        claimed=NOON,
        cms=b"cms with token",
        stamped=NOON,
    )


def test_an_intent_is_claimed_once(database: Database) -> None:
    claim(database)
    with pytest.raises(StateRefused, match="no longer open"):
        claim(database)


def test_one_signature_of_a_contract_is_under_way_at_a_time(database: Database) -> None:
    with database.transaction() as tx:
        intents.insert_intent(tx, intent(2, number=2))
    claim(database)
    with pytest.raises(StateRefused, match="Another signature"):
        claim(database, "intent-2")
    assert state(database, "intent-2") is IntentState.PREPARED


def test_a_refused_activation_gives_the_intent_back(database: Database) -> None:
    claim(database)
    with database.transaction() as tx:
        intents.release_lease(tx, "intent-1")
    assert state(database) is IntentState.PREPARED


@pytest.mark.parametrize("step", ["save_cms", "save_stamped", "complete", "release_lease"])
def test_no_step_can_be_skipped(database: Database, step: str) -> None:
    steps = {
        "save_cms": lambda tx: intents.save_cms(tx, "intent-1", b"cms"),
        "save_stamped": lambda tx: intents.save_stamped(tx, "intent-1", cms=b"cms", at=NOON),
        "complete": lambda tx: intents.complete(tx, "intent-1"),
        "release_lease": lambda tx: intents.release_lease(tx, "intent-1"),
    }
    with pytest.raises(StateRefused), database.transaction() as tx:
        steps[step](tx)
    assert state(database) is IntentState.PREPARED


def test_a_closed_intent_never_changes(database: Database) -> None:
    with database.transaction() as tx:
        assert intents.abandon(tx, "intent-1", "because")
        assert not intents.abandon(tx, "intent-1", "again")
    with pytest.raises(pysqlite3.IntegrityError, match="never changes"), database.transaction() as tx:
        tx.execute("UPDATE intents SET state = 'prepared', reason = NULL, suffix = x'00'")


def test_a_nonce_stands_in_one_intent_only(database: Database) -> None:
    with pytest.raises(pysqlite3.IntegrityError), database.transaction() as tx:
        intents.insert_intent(tx, replace(intent(), id="intent-2"))


def test_what_expired_is_abandoned_and_what_is_under_way_is_not(database: Database) -> None:
    with database.transaction() as tx:
        intents.insert_intent(tx, intent(2, number=2))
    claim(database)
    late = intent().intent.expires + timedelta(seconds=1)
    with database.transaction() as tx:
        assert intents.abandon_expired(tx, late, "late") == 1
        assert [record.id for record in intents.under_way(tx)] == ["intent-1"]
