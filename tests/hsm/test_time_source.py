"""Time to sign: every reason to refuse it, and that crashes and workers never make it go back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hsm.errors import Sentence, TimeNotAvailable
from hsm.store.database import AuthorityDatabase
from hsm.store.log import TimeLease
from hsm.time_source import LEASE, ClockReading, DeclaredClock, KernelClock, SharedTimes, TimeSource

START = int(datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp()) * 1_000_000
SECOND = 1_000_000
HALF = timedelta(milliseconds=500)
SAID, UNSAID = Sentence("Said so."), Sentence("Not synchronised.")


@dataclass
class ManualClock:
    """A clock that a test sets; ``pass_time`` moves both hands, ``step`` only the wall's."""

    wall: int = START
    boot: int = 1000 * SECOND
    proven: bool = True
    steps_forward: bool = True
    source: str = "kernel"

    def read_clock(self) -> ClockReading:
        return ClockReading(self.wall, self.boot, self.proven, SAID if self.proven else UNSAID)

    def pass_time(self, microseconds: int) -> None:
        self.wall += microseconds
        self.boot += microseconds

    def step(self, microseconds: int) -> None:
        self.wall += microseconds

    def sleep(self, seconds: float) -> None:
        self.pass_time(round(seconds * 1e6))


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[TimeLease]:
    database = AuthorityDatabase(tmp_path / "authority.db")
    yield TimeLease(database)
    database.close()


@pytest.fixture
def started(tmp_path: Path, leases: TimeLease) -> Iterator[Callable[[ManualClock], TimeSource]]:
    """Starts the authority's time anew, as after a crash."""
    mapped: list[SharedTimes] = []

    def start(clock: ManualClock) -> TimeSource:
        SharedTimes.create(tmp_path / "clock")
        mapped.append(SharedTimes(tmp_path / "clock"))
        return TimeSource(clock, mapped[-1], leases, tolerance=HALF, sleep=clock.sleep)

    yield start
    for each in mapped:
        each.close()


Start = Callable[[ManualClock], TimeSource]


def test_time_passes(started: Start) -> None:
    clock = ManualClock()
    source = started(clock)
    first = source.now()
    clock.pass_time(1500)
    assert source.now() - first == timedelta(microseconds=1500)
    assert first == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert source.status().trusted


def test_an_unproven_clock(started: Start) -> None:
    clock = ManualClock(proven=False)
    source = started(clock)
    with pytest.raises(TimeNotAvailable, match="Not synchronised"):
        source.now()
    assert source.status().sentence == UNSAID
    clock.proven = True
    source.now()


@pytest.mark.parametrize("back", [SECOND, 3600 * SECOND])
def test_a_step_back_is_refused_until_it_is_undone(started: Start, back: int) -> None:
    clock = ManualClock()
    source = started(clock)
    source.now()
    clock.pass_time(7200 * SECOND)
    clock.step(-back)
    for _ in range(2):
        with pytest.raises(TimeNotAvailable, match="was moved by -"):
            source.now()
    assert not source.status().trusted
    clock.step(back)
    source.now()


def test_a_small_step_back_below_the_last_time(started: Start) -> None:
    clock = ManualClock()
    source = started(clock)
    source.now()
    clock.step(-1000)
    with pytest.raises(TimeNotAvailable, match="behind the last timestamp"):
        source.now()


def test_a_step_forward_needs_somebody_who_vouches(started: Start) -> None:
    clock = ManualClock(steps_forward=False)
    source = started(clock)
    source.now()
    clock.step(10 * SECOND)
    with pytest.raises(TimeNotAvailable, match=r"was moved by 10\.0 s"):
        source.now()
    clock.steps_forward = True
    source.now()
    clock.step(-10 * SECOND)
    with pytest.raises(TimeNotAvailable):
        source.now()


def test_nothing_below_the_lease_after_a_crash(started: Start, leases: TimeLease) -> None:
    clock = ManualClock()
    started(clock).now()
    assert leases.lease() == START + LEASE
    clock.step(-3600 * SECOND)
    again = started(clock)
    with pytest.raises(TimeNotAvailable, match="behind the last timestamp"):
        again.now()
    assert not again.status().trusted


def test_a_quick_restart_waits_for_the_lease_to_end(started: Start) -> None:
    clock = ManualClock()
    started(clock).now()
    clock.pass_time(1000)
    assert started(clock).now() > datetime(2026, 11, 25, 8, 0, 1, tzinfo=UTC)


def test_the_lease_is_extended_before_it_is_needed(started: Start, leases: TimeLease) -> None:
    clock = ManualClock()
    source = started(clock)
    for _ in range(50):
        clock.pass_time(SECOND // 7)
        assert int(source.now().timestamp() * 1e6) <= leases.lease()


def test_workers_share_the_last_time_and_a_kill_frees_the_lock(tmp_path: Path, leases: TimeLease) -> None:
    SharedTimes.create(tmp_path / "clock")
    SharedTimes(tmp_path / "clock").close()
    child = os.fork()
    if child == 0:
        shared = SharedTimes(tmp_path / "clock")
        with shared:
            shared.write_times(START + 5 * SECOND, START + 9 * SECOND, 1)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    shared = SharedTimes(tmp_path / "clock")
    source = TimeSource(ManualClock(boot=START - 1), shared, leases, tolerance=HALF)
    with pytest.raises(TimeNotAvailable, match=r"5\.0 s behind"):
        source.now()
    shared.close()


def test_real_clocks_agree_with_the_system() -> None:
    declared = DeclaredClock().read_clock()
    kernel = KernelClock(HALF).read_clock()
    assert declared.proven
    assert "not verified" in str(declared.sentence)
    assert 0 <= kernel.wall - declared.wall < SECOND
    assert 0 <= kernel.boot - declared.boot < SECOND
    assert str(kernel.sentence)
