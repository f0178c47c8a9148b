"""What many tests share: one real authority for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.authority import RunningAuthority, running_authority


@pytest.fixture(scope="session")
def authority() -> Iterator[RunningAuthority]:
    """A real authority: SoftHSM, the development ceremony, the daemon. Shared: enrol people of your own names."""
    with running_authority() as running:
        yield running


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist's classes are untyped here
    """Folders go to workers whole, since a folder's tests share a home and its processes."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:
    """Asked when there are several workers."""
    return FolderScheduling(config, log)
