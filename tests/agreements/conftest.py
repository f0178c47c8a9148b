"""An appliance with a real authority, whose enterprise has a text of its own that nobody has accepted yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from appliance.wiring import Appliance
from tests.world import World, shared_world

Text = Callable[[str], AbstractContextManager[Appliance]]


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def opened(world: World) -> Text:
    """The appliance with the enterprise's own text, whose last paragraph is given."""

    def opened(words: str) -> AbstractContextManager[Appliance]:
        folder: Path = world.home.agreement
        folder.mkdir(exist_ok=True)
        (folder / "zh.md").write_text(f"# 本企业的协议\n\n{words}\n", encoding="utf-8")
        (folder / "en.md").write_text(f"# Our own agreement\n\n{words}\n", encoding="utf-8")
        return world.opened()

    return opened
