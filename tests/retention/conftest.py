"""A world of its own: what is disposed of here is gone for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World, shared_world


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world
