"""A log as the appliance has it, with its database on disk, and a witness in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.ledger import Sequencer
from appliance.store.database import Database
from tests.ledger.conftest import database, grow, local, sequencer
from tests.ledger.local_authority import LocalAuthority
from tests.witnesses.log_side import Clock, LogSide
from tests.witnesses.served import ServedWitness, served

__all__ = ["database", "grow", "local", "sequencer"]


@pytest.fixture
def side(
    database: Database, local: LocalAuthority, sequencer: Sequencer, grow: Callable[[int], None], tmp_path: Path
) -> LogSide:
    return LogSide(database, local, sequencer, grow, Clock(), tmp_path)


@pytest.fixture
def witness(local: LocalAuthority, tmp_path: Path) -> Iterator[ServedWitness]:
    with served(tmp_path, [local.key]) as running:
        yield running
