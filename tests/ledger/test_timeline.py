"""A contract's timeline: the log's entries in order, with names; what was erased is said to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.ledger import Sequencer
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.timeline import Timeline, TimelineEvent
from appliance.model.contract import Contract
from appliance.store import retention
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.world import OURS, World, sample_document, send, shared_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def recalled(appliance: Appliance) -> Contract:
    contract = send(appliance, sample_document(1))
    return appliance.endings.recall(contract.id, by=ZHANG.subject, reason="条款有误 <b>")


def told(appliance: Appliance, contract: Contract) -> tuple[TimelineEvent, ...]:
    return Timeline(appliance.database).of(contract.id, OURS)


def values(event: TimelineEvent) -> dict[str, object]:
    return {fact.label: fact.value for fact in event.facts}


def test_nothing_is_told_of_a_contract_that_does_not_exist(appliance: Appliance) -> None:
    assert Timeline(appliance.database).of("0" * 24, OURS) == ()


def test_the_events_are_those_of_the_log_in_its_order(appliance: Appliance, recalled: Contract) -> None:
    events = told(appliance, recalled)
    assert tuple(event.entry for event in events) == appliance.contracts.entries(recalled.id)
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == (EventKind.CONTRACT_DRAFTED, EventKind.CONTRACT_RECALLED)
    assert all(event.at.tzinfo is UTC for event in events)


def test_people_are_named_and_reasons_stand_as_they_were_written(appliance: Appliance, recalled: Contract) -> None:
    events = told(appliance, recalled)
    assert {event.by for event in events} == {ZHANG.name}
    assert values(events[-1])["Reason"] == "条款有误 <b>"
    added = [values(event)["Name"] for event in events if event.kind == EventKind.PARTY_ADDED]
    assert added[:2] == [ZHANG.name, LI.name]


def test_instants_are_instants(appliance: Appliance, recalled: Contract) -> None:
    drafted = told(appliance, recalled)[0]
    assert values(drafted)["Deadline"] == recalled.deadline.at.replace(microsecond=0)


def test_an_entry_is_proven_once_a_checkpoint_covers_it(world: World, appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    assert not any(event.proven for event in told(appliance, contract))
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
    events = told(appliance, contract)
    assert all(event.proven for event in events)
    assert appliance.proofs.proof_file(events[-1].entry)


def test_what_was_erased_is_said_to_be(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    first = told(appliance, contract)[0]
    assert not first.erased
    with appliance.database.transaction() as tx:
        assert retention.forget_openings(tx, [first.entry]) == 1
    after = told(appliance, contract)[0]
    assert after.erased
    assert values(after)["Title"] is None
    assert after.at == first.at
    assert contract.title not in str(after)
