"""Reminders at growing numbers of open contracts: the scheduler's tick, and memory."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.accounts.tickets import LinkTokens
from appliance.demonstration.participants import LI, ZHANG
from appliance.model.contract import Contract, ContractState, Deadline, PartyState
from appliance.notices.messages import PortalAddresses
from appliance.policy import Policy, PolicyRules
from appliance.policy.rules import ReminderRules
from appliance.reminders.derivation import LONGEST
from appliance.reminders.services import MailOrigin, ReminderServices, open_reminders
from appliance.store import people
from appliance.store.database import Database
from tests.bench.bulk import write
from tests.bench.crowd import guest, settle
from tests.bench.measure import Figure, median, milliseconds_of
from tests.bench.portfolio import BATCH, GUEST, contract

SIZES = (1_000, 10_000, 100_000)
TARGET = 2.0
"""Seconds that a tick may take at a hundred thousand open contracts."""

WORKING = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
"""A Wednesday, ten in the morning in Shanghai."""


@dataclass
class Clock:
    """The appliance's clock, which jumps."""

    at: datetime = WORKING

    def __call__(self) -> datetime:
        return self.at


def figures() -> list[Figure]:
    """Seconds of a tick with nothing due, with one contract in a hundred due, and with all due after a week off;
    what the process grew by meanwhile."""
    idle: dict[str, float] = {}
    busy: dict[str, float] = {}
    work: dict[str, float] = {}
    back: dict[str, float] = {}
    grown: dict[str, float] = {}
    rates: dict[str, float] = {}
    for size in SIZES:
        with _reminder_services(size) as (services, hourly, clock):
            before = _resident()
            all_ticks = _until_done(services)
            rates[f"{size:,}"] = size / sum(all_ticks)
            back[f"{size:,}"] = max(all_ticks)
            idle[f"{size:,}"] = median(milliseconds_of(services.ticker.tick)) / 1000
            _until_done(hourly)
            hours = [_hour(hourly, clock) for _ in range(5)]
            busy[f"{size:,}"] = max(max(ticks) for ticks in hours)
            work[f"{size:,}"] = median(tuple(sum(ticks) for ticks in hours))
            grown[f"{size:,}"] = _resident() - before
    most = f"{SIZES[-1]:,}"
    return [
        Figure("tick, nothing due, 100,000 open", "s", idle[most], (), TARGET, True, growth=idle),
        Figure("longest tick, one in 100 due, 100,000 open", "s", busy[most], (), TARGET, True, growth=busy),
        Figure("until one in 100 are reminded", "s", work[most], smaller_is_better=True, growth=work),
        Figure("longest tick, all due, 100,000 open", "s", back[most], (), TARGET, True, growth=back),
        Figure("contracts derived anew", "per s", rates[most], growth=rates),
        Figure("memory grown by deriving 100,000", "MB", grown[most], (), 20.0, True, growth=grown),
    ]


@contextmanager
def _reminder_services(size: int) -> Iterator[tuple[ReminderServices, ReminderServices, Clock]]:
    """*size* open contracts, their deadlines spread over a hundred hours to come: with the usual rules, and with
    one step at all hours, so that each hour one contract in a hundred is due."""
    with tempfile.TemporaryDirectory() as folder:
        database, clock, links = Database(Path(folder) / "vermilion.db"), Clock(), LinkTokens(b"k" * 32)
        try:
            _fill(database, size, clock())
            origin = MailOrigin(
                "示例",
                "https://sign.example",
                PortalAddresses("https://sign.example", links),
                PortalAddresses("", links),
            )
            hourly = Policy(PolicyRules(reminders=ReminderRules(["1d"], [], working_hours="00:00-23:59")))
            usual, other = (
                open_reminders(database, each, Path(folder), origin, clock) for each in (Policy(), hourly)
            )
            yield usual, other, clock
        finally:
            database.close()


def _fill(database: Database, size: int, now: datetime) -> None:
    with database.transaction() as tx:
        for person in (ZHANG, LI):
            people.insert_person(tx, person, b"certificate")
    settle(database, now)
    for first in range(0, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        outside = [guest(number) for number in numbers if number % GUEST == 0]
        write(database, [_open(number, now) for number in numbers], outside, logged=False)


def _open(number: int, now: datetime) -> Contract:
    """The portfolio's contract of this *number*, out for signing, with nobody's signature yet."""
    deadline = Deadline(now + timedelta(days=1, hours=number % 100), "Asia/Shanghai")
    made = contract(number, now)
    waiting = tuple(replace(each, state=PartyState.WAITING, signed_at=None, reason=None) for each in made.parties)
    return replace(made, state=ContractState.SENT, deadline=deadline, parties=waiting)


def _until_done(services: ReminderServices) -> list[float]:
    """The seconds of each tick until nothing is left to derive."""
    seconds: list[float] = []
    while True:
        started = time.perf_counter()
        services.ticker.tick()
        seconds.append(time.perf_counter() - started)
        if seconds[-1] < LONGEST:
            return seconds


def _hour(services: ReminderServices, clock: Clock) -> list[float]:
    """Seconds of each tick that the next hour's reminders take."""
    clock.at += timedelta(hours=1)
    return _until_done(services)


def _resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
