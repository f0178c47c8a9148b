"""Maintenance: one at a time, seen by every process within a second; the scheduler holds what tells or changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.jobs.table import Job, held_during_maintenance
from appliance.language import Language
from appliance.maintenance import Maintenance
from appliance.model.administration import MaintenanceWindow
from appliance.model.people import Person
from appliance.store import accounts, people
from appliance.store.database import Database
from appliance.wiring import Appliance

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
TONIGHT = MaintenanceWindow(NOW + timedelta(hours=8), NOW + timedelta(hours=10), "更换磁盘")
AT_ONCE = MaintenanceWindow(NOW, NOW + timedelta(hours=1))


@dataclass(slots=True)
class Clock:
    """Both clocks of these tests; ``seconds`` have gone since the beginning."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def ticks(self) -> float:
        return self.seconds


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state/vermilion.db")
    with database.transaction() as tx:
        tester = Person("person-tan", "谭示例", "甲公司示例有限公司", "tan@alpha.example", Language.CHINESE, "UTC")
        people.insert_person(tx, tester, None)
        accounts.insert_account(tx, tester.subject, "tan", handle=bytes(16), now=NOW)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def maintenance(database: Database, clock: Clock) -> Maintenance:
    return Maintenance(database, clock.now, ticks=clock.ticks)


def test_it_is_announced_then_under_way_until_somebody_ends_it(maintenance: Maintenance, clock: Clock) -> None:
    assert maintenance.window() is None
    maintenance.plan(TONIGHT, [])
    assert maintenance.window() == TONIGHT
    assert maintenance.under_way() is None
    clock.seconds = timedelta(hours=8).total_seconds()
    assert maintenance.under_way() == TONIGHT
    clock.seconds = timedelta(hours=11).total_seconds()
    assert maintenance.under_way() == TONIGHT, "longer than expected, but nobody has ended it"
    maintenance.end()
    assert maintenance.window() is None


def test_another_process_sees_it_within_a_second(
    maintenance: Maintenance, database: Database, clock: Clock
) -> None:
    other = Maintenance(database, clock.now, ticks=clock.ticks)
    assert other.under_way() is None
    maintenance.plan(AT_ONCE, [])
    clock.seconds = 1.0
    assert other.under_way() == AT_ONCE
    maintenance.end()
    clock.seconds = 2.0
    assert other.under_way() is None


def test_there_is_one_at_a_time(maintenance: Maintenance) -> None:
    maintenance.plan(TONIGHT, [])
    with pytest.raises(StateRefused, match="already"):
        maintenance.plan(AT_ONCE, [])
    maintenance.end()
    with pytest.raises(StateRefused, match="No maintenance"):
        maintenance.end()
    maintenance.plan(AT_ONCE, [])


def test_exceptions_are_accounts_of_the_portal_and_are_forgotten_at_the_end(
    maintenance: Maintenance, database: Database
) -> None:
    with pytest.raises(NotFound, match="nobody"):
        maintenance.plan(AT_ONCE, ["tan", "nobody"])
    assert maintenance.window() is None
    maintenance.plan(AT_ONCE, ["tan"])
    window = maintenance.under_way()
    assert window is not None
    assert window.exceptions == {"person-tan"}
    maintenance.end()
    with database.reading() as tx:
        assert tx.execute("SELECT exceptions FROM maintenance").fetchall() == [("[]",)]


@pytest.mark.parametrize(
    "window",
    [
        MaintenanceWindow(NOW, NOW),
        MaintenanceWindow(NOW + timedelta(hours=2), NOW + timedelta(hours=1)),
        MaintenanceWindow(NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
        MaintenanceWindow(NOW, NOW + timedelta(days=8)),
        MaintenanceWindow(NOW + timedelta(days=91), NOW + timedelta(days=92)),
        MaintenanceWindow(NOW, NOW + timedelta(hours=1), "长" * 301),
    ],
)
def test_times_that_cannot_be_are_refused(maintenance: Maintenance, window: MaintenanceWindow) -> None:
    with pytest.raises(PreconditionRefused):
        maintenance.plan(window, [])
    assert maintenance.window() is None


def test_what_is_said_of_the_time_left_is_never_nothing() -> None:
    assert AT_ONCE.seconds_left(NOW, least=300) == 3600
    assert AT_ONCE.seconds_left(NOW + timedelta(hours=3), least=300) == 300


@dataclass(slots=True)
class Held:
    """As much of an appliance as holding takes."""

    maintenance: Maintenance
    done: list[str] = field(default_factory=list)

    def job(self, name: str) -> Job:
        return Job(name, 1.0, lambda: self.done.append(name))


def test_the_scheduler_holds_but_for_the_log_and_revocation_lists(maintenance: Maintenance) -> None:
    held = Held(maintenance)
    names = ["sequencing", "recovery", "deadlines", "outbox", "revocation lists"]
    jobs = held_during_maintenance(cast(Appliance, held), [held.job(name) for name in names])
    maintenance.plan(AT_ONCE, [])
    for job in jobs:
        job.work()
    assert held.done == ["sequencing", "revocation lists"]
    maintenance.end()
    held.done.clear()
    for job in jobs:
        job.work()
    assert held.done == names
