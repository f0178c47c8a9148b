"""One authority and one timestamp process for the whole suite; tests that hurt them start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.authority import RunningAuthority, running_authority
from tests.conformance.endpoint import RunningTsa, running_tsa


@pytest.fixture(scope="package")
def own_authority() -> Iterator[RunningAuthority]:
    """An authority whose log memory belongs to this package's database alone."""
    with running_authority() as running:
        yield running


@pytest.fixture(scope="package")
def tsa(own_authority: RunningAuthority) -> Iterator[RunningTsa]:
    with running_tsa(own_authority.root) as running:
        yield running
