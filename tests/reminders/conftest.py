"""A small simulation with a clock that tests move: people and contracts of the simulated year, nothing random."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.model.notice import ReminderPreferences
from appliance.reminders.schedule import load_calendar
from appliance.store import reminders
from tests.reminders.simulation import SIGNERS, Year, year

MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai."""


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Year]:
    with year(tmp_path, load_calendar("cn", tmp_path)) as opened:
        opened.now = MONDAY
        opened.wishes.clear()
        with opened.database.transaction() as tx:
            for person in SIGNERS:
                reminders.save_preferences(tx, person, ReminderPreferences())
        opened.tick()
        yield opened
