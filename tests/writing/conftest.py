"""An appliance with a template, as the API's batches need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.model.writing import Template
from appliance.wiring import Appliance
from tests.batches.stock import published
from tests.world import World, shared_world


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="package")
def template(appliance: Appliance) -> Template:
    return published(appliance)
