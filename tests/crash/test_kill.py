"""kill -9 at each named point of the signing cycle, and at random: nothing lost, nothing half, nothing twice.

The child runs the cycle against the real authority and dies by SIGKILL. Afterwards a new process recovers, and
this test compares what it finds with what the child had acknowledged.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from appliance.contracts.waypoints import Waypoint
from appliance.model.contract import Contract, ContractState, PartyState, RevisionKind
from appliance.model.intent import IntentState
from appliance.store import intents
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.world import World, activations_for, sample_document, send, shared_world

DOCUMENT = sample_document()
SIGNING = list(Waypoint)[: list(Waypoint).index(Waypoint.ARCHIVE_PREPARED)]
ARCHIVING = list(Waypoint)[list(Waypoint).index(Waypoint.ARCHIVE_PREPARED) :]
COMPLETED_BY_RECOVERY = {
    Waypoint.CMS_PERSISTED,
    Waypoint.TIMESTAMP_RECEIVED,
    Waypoint.TIMESTAMP_PERSISTED,
    Waypoint.RESULT_VERIFIED,
    Waypoint.RESULT_STORED,
    Waypoint.COMPLETION_WRITTEN,
    Waypoint.COMPLETION_COMMITTED,
}
pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        yield opened


def outcome(acts: list[str], signed: bool) -> dict[str, int]:
    end = "completed from what was on disk" if signed else "abandoned or never begun, then signed anew"
    return {"kills": 1, "acknowledged acts found again": len(acts) - 1, end: 1}


def perform(world: World, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.crash.performer", str(world.home.root), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged(child: subprocess.Popen[str]) -> list[str]:
    output, _ = child.communicate(timeout=60)
    return output.split()


def require_whole(appliance: Appliance, contract: Contract) -> None:
    """Nothing half-signed is visible, and nobody signed twice."""
    with appliance.database.reading() as tx:
        attempts = intents.of_contract(tx, contract.id)
    under_way = [record for record in attempts if record.state in (IntentState.SIGNING, IntentState.SIGNED)]
    assert under_way == [] and all(record.state is not IntentState.STAMPED for record in attempts)
    signed = {party.id for party in contract.parties if party.state is PartyState.SIGNED}
    completed = [record.act.party for record in attempts if record.state is IntentState.COMPLETED]
    revisions = [revision.party for revision in contract.revisions if revision.kind is RevisionKind.SIGNATURE]
    assert sorted(signed) == sorted(completed) == sorted(party for party in revisions if party)
    report = appliance.verifier.verify_pdf(appliance.contracts.document(contract))
    signatures = [signature for signature in report.signatures if not signature.document_timestamp]
    assert len(signatures) == len(signed)
    assert not signed or report.indication is Indication.PASSED, report.reasons


def finish(appliance: Appliance, contract: Contract) -> Contract:
    """Whoever has not signed signs now; the contract must come to its end."""
    while contract.state is ContractState.SENT:
        party = next(party for party in contract.parties if party.state is PartyState.WAITING)
        prepared = appliance.cycle.prepare(contract.id, party.id)
        appliance.cycle.sign(prepared.id, activations_for(appliance, prepared.act))
        contract = appliance.cycle.complete(prepared.id)
    return appliance.sealing.seal_off(contract.id)


@pytest.mark.parametrize("waypoint", SIGNING, ids=lambda waypoint: waypoint.name)
def test_killed_while_signing(
    world: World, appliance: Appliance, counted: Counter[str], waypoint: Waypoint
) -> None:
    contract = send(appliance, DOCUMENT)
    party = contract.parties[0]
    child = perform(world, "sign", contract.id, party.id, waypoint.name)
    acts = acknowledged(child)
    assert child.returncode == -9
    recovered = appliance.recovery.run()

    after = appliance.contracts.get(contract.id)
    signed = after.parties[0].state is PartyState.SIGNED
    assert signed == (waypoint in COMPLETED_BY_RECOVERY)
    assert "signed" not in acts or signed, "an acknowledged signature is lost"
    assert recovered.pending == {}
    require_whole(appliance, after)
    counted.update(outcome(acts, signed))
    assert finish(appliance, after).state is ContractState.COMPLETED
    require_whole(appliance, appliance.contracts.get(contract.id))


@pytest.mark.parametrize("waypoint", ARCHIVING, ids=lambda waypoint: waypoint.name)
def test_killed_while_sealing_off(
    world: World, appliance: Appliance, counted: Counter[str], waypoint: Waypoint
) -> None:
    contract = send(appliance, DOCUMENT)
    for party in contract.parties:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        appliance.cycle.sign(prepared.id, activations_for(appliance, prepared.act))
        contract = appliance.cycle.complete(prepared.id)
    child = perform(world, "seal-off", contract.id, "-", waypoint.name)
    acts = acknowledged(child)
    assert (child.returncode, acts) == (-9, ["ready"])
    appliance.recovery.run()
    after = appliance.contracts.get(contract.id)
    assert after.state is ContractState.COMPLETED
    assert [revision.kind for revision in after.revisions].count(RevisionKind.ARCHIVE) == 1
    require_whole(appliance, after)
    counted.update({"kills": 1, "sealed off": 1})


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_random(world: World, appliance: Appliance, counted: Counter[str], seed: int) -> None:
    contract = send(appliance, DOCUMENT)
    child = perform(world, "sign", contract.id, contract.parties[0].id, "-")
    assert child.stdout is not None
    acts = [child.stdout.readline().strip()]
    time.sleep(random.Random(seed).uniform(0.0, 0.12))  # noqa: S311 -- where to kill is no secret
    child.kill()
    acts += acknowledged(child)
    appliance.recovery.run()
    after = appliance.contracts.get(contract.id)
    signed = after.parties[0].state is PartyState.SIGNED
    assert "signed" not in acts or signed
    require_whole(appliance, after)
    counted.update(outcome(acts, signed))
    assert finish(appliance, after).state is ContractState.COMPLETED


def test_no_nonce_was_used_twice(world: World, appliance: Appliance) -> None:
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT nonce FROM intents").fetchall()
    assert len(rows) == len(set(rows))
