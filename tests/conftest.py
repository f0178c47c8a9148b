"""What many tests share: one real authority for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority import RunningAuthority, running_authority


@pytest.fixture(scope="session")
def authority() -> Iterator[RunningAuthority]:
    """A real authority: SoftHSM, the development ceremony, the daemon. Shared: enrol people of your own names."""
    with running_authority() as running:
        yield running


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A folder's tests share a home and its processes: each stays with one worker (``--dist loadgroup``)."""
    root = Path(__file__).parent
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(item.path.parent.relative_to(root))))
