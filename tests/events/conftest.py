from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.events.receiver import Receiver, receiving
from tests.events.site import Site


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, receiver: Receiver) -> Iterator[Site]:
    """One whose webhooks may go to the receiver."""
    with Site.at(tmp_path / "site.db", [f"127.0.0.1:{receiver.port}"]) as made:
        yield made
