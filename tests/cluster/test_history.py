"""Who served when: failovers, switch-overs and drills with the seconds without service, from the agent's lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.cluster import TakeoverCause, find_takeover, read_history
from appliance.cluster.history import NEWEST
from appliance.home import Home
from tests.cluster.scenes import Event, history_of, lay_down

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_without_a_history_there_is_none(home: Home) -> None:
    found = read_history(home)
    assert (found.takeovers, found.unreadable, found.last_drill) == ((), 0, None)


def test_each_takeover_has_its_cause_and_its_seconds(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    failover, drill, start = read_history(home).takeovers
    assert (failover.cause, failover.seconds, failover.is_bound, failover.moved) == (
        TakeoverCause.FAILOVER,
        41,
        True,
        True,
    )
    assert (drill.cause, drill.seconds, drill.is_bound, drill.moved) == (TakeoverCause.DRILL, 9, False, True)
    assert (start.cause, start.seconds, start.before, start.moved) == (TakeoverCause.START, None, None, False)
    assert read_history(home).last_drill == drill
    assert find_takeover(home, "0123456789ab") == drill
    assert find_takeover(home, "fedcba987654") is None


def test_a_drill_that_came_back_to_the_same_machine_is_none(home: Home) -> None:
    lay_down(home, "healthy", NOW, history=False)
    minute = timedelta(minutes=1)
    events = [
        Event("serving", "a", 9 * minute, "start"),
        Event("stopped", "a", 8 * minute, "drill"),
        Event("serving", "a", 7 * minute, "drill"),
    ]
    home.cluster_history.write_text(history_of(events, NOW))
    assert read_history(home).last_drill is None


def test_lines_of_another_form_are_counted_and_the_rest_is_read(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    good = home.cluster_history.read_text()
    strange = [
        "nonsense",
        "[]",
        "7",
        '{"event": "exploded"}',
        "{" * 5000,
        good.splitlines()[0].replace("start", "magic"),
        "\x00",
        good.splitlines()[0].replace('"node": "', '"node": "\\ud800'),
        good.splitlines()[0].replace('"node": "', '"node": "' + "x" * 501),
    ]
    home.cluster_history.write_text("\n".join(strange) + "\n" + good + good.splitlines()[0][:-9])
    found = read_history(home)
    assert (len(found.takeovers), found.unreadable) == (3, len(strange) + 1)


def test_only_the_end_of_a_long_history_is_read(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    line = home.cluster_history.read_text().splitlines()[0] + "\n"
    home.cluster_history.write_text(line * (2 * NEWEST // len(line)))
    found = read_history(home)
    assert found.unreadable == 0
    assert NEWEST // len(line) - 2 <= len(found.takeovers) <= NEWEST // len(line)
