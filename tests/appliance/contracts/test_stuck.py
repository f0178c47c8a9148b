"""Contracts that are stuck are listed with step and cause; trying again goes on, and never signs twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from appliance.contracts.crash_safety import Failpoint
from appliance.errors import NotFound, StateRefused
from appliance.model.administration import Stuck, StuckStep
from appliance.model.contract import Contract, ContractState, PartyState, RevisionKind
from appliance.wiring import Appliance
from tests.world import World, confirm, contract_now, sample_document, send, shared_world

DOCUMENT = sample_document(1)
LATER = timedelta(minutes=5)


class Dead(BaseException):
    """Stands for the end of a process."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


def sign_next(appliance: Appliance, contract: Contract) -> Contract:
    party = next(party for party in contract.parties if party.state is PartyState.WAITING)
    prepared = appliance.cycle.prepare(contract.id, party.id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


def died_at(world: World, point: Failpoint) -> Contract:
    """A contract whose first signature was under way when its process ended at *point*."""

    def die(passed: Failpoint) -> None:
        if passed is point:
            raise Dead

    with world.opened(reach=die) as appliance:
        contract = send(appliance, DOCUMENT)
        with pytest.raises(Dead):
            sign_next(appliance, contract)
        return contract


def stuck(appliance: Appliance, contract: Contract) -> list[Stuck]:
    return [each for each in appliance.stuck.all() if each.contract == contract.id]


@pytest.mark.parametrize(
    ("point", "step", "signatures"),
    [
        (Failpoint.CMS_RECEIVED, StuckStep.SIGNING, 0),
        (Failpoint.CMS_PERSISTED, StuckStep.STAMPING, 1),
        (Failpoint.RESULT_VERIFIED, StuckStep.COMPLETING, 1),
    ],
)
def test_a_signature_under_way_is_completed_or_abandoned(
    world: World, point: Failpoint, step: StuckStep, signatures: int
) -> None:
    contract = died_at(world, point)
    with world.opened() as now:
        assert stuck(now, contract) == [], "not yet: recovery has two minutes"
    with world.opened(ahead=LATER) as appliance:
        [found] = stuck(appliance, contract)
        assert (found.step, "scheduler" in found.template) == (step, True)
        appliance.stuck.retry(contract.id)
        assert stuck(appliance, contract) == []
        with pytest.raises(NotFound, match="not stuck"):
            appliance.stuck.retry(contract.id)
        kinds = [revision.kind for revision in contract_now(appliance, contract.id).revisions]
        assert kinds.count(RevisionKind.SIGNATURE) == signatures


def test_a_contract_that_is_not_sealed_off_says_why_and_then_goes_on(world: World) -> None:
    with world.opened() as appliance:
        contract = send(appliance, DOCUMENT)
        for _ in range(3):
            contract = sign_next(appliance, contract)
        digest = contract.current.digest
        path = world.home.blobs / digest[:2] / digest
    away = path.rename(world.home.root / "away")
    with world.opened(ahead=LATER) as appliance:
        with pytest.raises(StateRefused):
            appliance.stuck.retry(contract.id)
        [found] = stuck(appliance, contract)
        assert found.step is StuckStep.FINALISATION
        assert digest[:8] in found.template.format(**found.values)
        away.rename(path)
        appliance.stuck.retry(contract.id)
        assert contract_now(appliance, contract.id).state is ContractState.COMPLETED
        assert stuck(appliance, contract) == []


def test_a_deadline_that_nobody_looked_at_is_found_too(world: World) -> None:
    with world.opened() as appliance:
        contract = send(appliance, DOCUMENT)
    with world.opened(ahead=timedelta(days=3, minutes=5)) as appliance:
        assert [each.step for each in stuck(appliance, contract)] == [StuckStep.EXPIRING]
        appliance.stuck.retry(contract.id)
        assert contract_now(appliance, contract.id).state is ContractState.EXPIRED
