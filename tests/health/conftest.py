"""One station for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.health.station import Station, station


@pytest.fixture(scope="session")
def stationed() -> Iterator[Station]:
    with station() as opened:
        yield opened
