"""What many tests share: one real authority for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.authority import RunningAuthority, running_authority


@pytest.fixture(scope="session")
def authority() -> Iterator[RunningAuthority]:
    """A real authority: SoftHSM, the development ceremony, the daemon. Shared: enrol people of your own names."""
    with running_authority() as running:
        yield running
