"""The row of time: a clock that is not proven, or stepped back, is timeNotAvailable; recovery by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.clocked import ClockedAuthority, clocked_authority
from tests.conformance.endpoint import RunningTsa, running_tsa
from tests.conformance.oracle import TIME_NOT_AVAILABLE
from tests.conformance.reading import granted, refused
from tests.conformance.requests import PLAIN

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def clocked() -> Iterator[ClockedAuthority]:
    with clocked_authority() as running:
        yield running


@pytest.fixture(scope="module")
def endpoint(clocked: ClockedAuthority) -> Iterator[RunningTsa]:
    with running_tsa(clocked.authority.root) as running:
        yield running


def time_of(tsa: RunningTsa) -> datetime:
    time: datetime = granted(tsa.ask(PLAIN)).tst_info["gen_time"].native
    return time


def require_no_time(tsa: RunningTsa) -> None:
    """For every worker of the authority: asked more often than there are workers."""
    before = tsa.recorded()
    for _ in range(6):
        assert refused(tsa.ask(PLAIN)).fail_info == TIME_NOT_AVAILABLE
    assert tsa.recorded() == before


def test_ntp_lost_and_back(clocked: ClockedAuthority, endpoint: RunningTsa) -> None:
    before = time_of(endpoint)
    clocked.set_clock(proven=False)
    require_no_time(endpoint)
    clocked.set_clock()
    assert time_of(endpoint) > before


@pytest.mark.parametrize("back", [timedelta(seconds=1), HOUR, timedelta(days=3650)], ids=str)
def test_a_step_back_and_its_correction(clocked: ClockedAuthority, endpoint: RunningTsa, back: timedelta) -> None:
    before = time_of(endpoint)
    clocked.set_clock(ahead=-back)
    require_no_time(endpoint)
    clocked.set_clock()
    assert time_of(endpoint) > before


def test_a_step_back_that_a_restart_would_hide(clocked: ClockedAuthority, endpoint: RunningTsa) -> None:
    """The authority's own memory on disk: nothing below the last time issued, also after kill -9."""
    before = time_of(endpoint)
    clocked.set_clock(ahead=-HOUR)
    clocked.kill_and_start()
    require_no_time(endpoint)
    clocked.set_clock()
    assert time_of(endpoint) > before


def test_a_step_forward_is_believed_and_no_way_back(clocked: ClockedAuthority, endpoint: RunningTsa) -> None:
    """NTP proves the later time; a token of that time is out, so there is none of an earlier one ever again."""
    clocked.set_clock(ahead=HOUR)
    later = time_of(endpoint)
    assert later > datetime.now(UTC) + HOUR - timedelta(minutes=5)
    clocked.set_clock()
    require_no_time(endpoint)
    clocked.kill_and_start()
    require_no_time(endpoint)
    clocked.set_clock(ahead=HOUR)
    assert time_of(endpoint) > later
