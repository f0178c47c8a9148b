"""A house, and a counterparty with an authority of its own that officers have approved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.evidence.exporting import Exporting
from appliance.model.contract import Contract
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import GAMMA, Holder, Wanted, authority, certified, signed_with_pyhanko
from tests.own_certificate.house import approved, hand_in, handed_out, outside, sent, sign_here
from tests.world import OURS, World, agree, sequenced, shared_world


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        for person in (ZHANG, LI):
            agree(appliance, person, GAMMA)
        yield appliance


@pytest.fixture(scope="package")
def root(appliance: Appliance) -> Holder:
    """Gamma's certification authority, approved."""
    made = authority()
    approved(appliance, made)
    return made


@pytest.fixture(scope="package")
def zheng(root: Holder) -> Holder:
    """Who signs for Gamma."""
    return certified(Wanted(), root)


@pytest.fixture(scope="package")
def completed(appliance: Appliance, zheng: Holder) -> Contract:
    """Signed by the house, by Gamma elsewhere, and by Li."""
    contract = sign_here(appliance, sent(appliance, later=(LI.subject,)))
    hand_in(
        appliance, contract, signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    )
    sign_here(appliance, contract, 2)
    return appliance.finalisation.finalise(contract.id)


@pytest.fixture(scope="package")
def package(world: World, appliance: Appliance, completed: Contract) -> bytes:
    with sequenced(appliance, world):
        return Exporting(appliance).export(completed.id, OURS).package
