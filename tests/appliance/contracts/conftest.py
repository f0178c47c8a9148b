"""One home for the folder: whoever looks at all contracts of a home has their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.wiring import Appliance
from tests.world import World, shared_world


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance
