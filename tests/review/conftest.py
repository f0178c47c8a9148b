"""A home whose policy wants purchases signed off and services checked, and a checker by the package's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.review.reviewing import ContentChecker
from appliance.wiring import Appliance
from tests.review.rules import book
from tests.world import World, shared_world

POLICY = """
[types."采购".review]
before_sending = "signed-off"
[types."服务".review]
before_sending = "passed"
[types."借款".review]
before_sending = "signed-off"
steps = ["法务部", "财务部 >= 100000"]
[types."保密".review]
before_sending = "signed-off"
steps = ["manager", "法务部"]
[types."赠与".review]
before_sending = "signed-off"
steps = ["法务部", "manager"]
"""


@pytest.fixture(scope="package")
def checker(confinement: Confinement) -> ContentChecker:
    return ContentChecker(confinement, book())


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as running:
        running.home.policy.write_text(POLICY, encoding="utf-8")
        yield World(running.home, load(running.home))


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        yield opened


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "review"
    folder.mkdir()
    return folder
