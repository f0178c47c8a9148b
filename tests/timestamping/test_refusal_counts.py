"""Refusals are counted by failInfo, each once, whatever becomes of the processes that refused."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.health import Condition, Observations, RunbookPage
from appliance.health.check_context import CheckContext
from appliance.health.contract_checks import GIVEN, judge_refusals
from appliance.health.figures import REFUSED, counted, labelled
from appliance.home import Home
from appliance.process_counts import FORGOTTEN, MOST_FILES, files_of
from appliance.timestamping import Clearance, IssuingState, TimestampService
from appliance.timestamping.refusal_counts import NAMES, PREFIX, RefusalCounts, read_refusals
from hsm.client import AuthorityClient
from hsm.timestamp import FailInfo
from tests.timestamping.asking import reply_of

NOON = datetime(2026, 11, 25, 12, 31, tzinfo=UTC)


@pytest.fixture
def observations(tmp_path: Path) -> Iterator[Observations]:
    opened = Observations(tmp_path / "health/health.db")
    yield opened
    opened.close()


def bench_of(root: Path) -> CheckContext:
    return CheckContext(Home(root), NOON, AuthorityClient(root / "nobody.sock"))


def said(root: Path, observations: Observations) -> dict[str, float]:
    """What the health monitor counts by now, without what never happened."""
    return {name: count for name, count in counted(bench_of(root), observations).items() if count}


def test_processes_are_added_up_each_refusal_once(tmp_path: Path, observations: Observations) -> None:
    pulses = Home(tmp_path).tsa_pulses
    one, other = RefusalCounts(pulses), RefusalCounts(pulses)
    for reason in (FailInfo.BAD_ALG, FailInfo.BAD_ALG, FailInfo.TIME_NOT_AVAILABLE):
        one.count_refusal(reason)
    other.count_refusal(FailInfo.BAD_ALG)
    one.write_counts()
    other.write_counts()
    assert said(tmp_path, observations) == {
        labelled(REFUSED, reason="badAlg"): 3,
        labelled(REFUSED, reason="timeNotAvailable"): 1,
    }
    one.count_refusal(FailInfo.BAD_REQUEST)
    one.write_counts()
    for _ in range(2):
        assert sum(said(tmp_path, observations).values()) == 5


def test_what_a_process_counted_stays_when_its_file_goes(tmp_path: Path, observations: Observations) -> None:
    pulses = Home(tmp_path).tsa_pulses
    refusals = RefusalCounts(pulses)
    refusals.count_refusal(FailInfo.BAD_ALG)
    refusals.write_counts()
    [path] = pulses.iterdir()
    os.utime(path, (0, time.time() - 2 * FORGOTTEN))
    assert sum(said(tmp_path, observations).values()) == 1 and not path.exists()
    refusals.count_refusal(FailInfo.BAD_ALG)
    refusals.write_counts()
    assert sum(said(tmp_path, observations).values()) == 2


def test_what_is_no_count_is_left_out(tmp_path: Path) -> None:
    pulses = Home(tmp_path).tsa_pulses
    pulses.mkdir(parents=True)
    none = ('{"badAlg": "many"}', '{"x": 3}', '{"badAlg": null}', f'{{"badAlg": 1{"0" * 30}}}', "5", "[1]")
    broken = ("{", "[" * 9_000, '{"badAlg": 1' + " " * 20_000 + "}")
    for number, text in enumerate((*none, *broken, '{"badAlg": -3}', '{"badAlg": 1e999}', '{"badAlg": true}')):
        (pulses / f"refused-1-{number}").write_text(text)
    os.mkfifo(pulses / "refused-1-a")
    (pulses / "refused-1-b").symlink_to("/dev/zero")
    assert [counts for _, counts in read_refusals(pulses, files_of(PREFIX, pulses))] == [{}] * (len(none) + 3)


@pytest.mark.parametrize(
    "name", [b"refused-\xff", b"refused-1-\xff", b"refused-1-" + b"a" * 200, b"refused-1-2\n"]
)
def test_a_file_of_another_name_does_not_end_the_health_monitor(
    tmp_path: Path, observations: Observations, name: bytes
) -> None:
    """Whoever has taken over the timestamp service gives its files any name, such as one that is no text."""
    pulses = Home(tmp_path).tsa_pulses
    pulses.mkdir(parents=True)
    (pulses / os.fsdecode(name)).write_text('{"badAlg": 5}')
    assert said(tmp_path, observations) == {}


def test_invented_counts_never_exceed_what_a_column_takes(tmp_path: Path, observations: Observations) -> None:
    with observations.database().transaction() as tx:
        tx.execute("INSERT INTO counts (name, count) VALUES ('badAlg', ?)", (2**63 - 2,))
    pulses = Home(tmp_path).tsa_pulses
    pulses.mkdir(parents=True)
    (pulses / "refused-1-a").write_text(f'{{"badAlg": {2**48 - 1}}}')
    assert said(tmp_path, observations) == {labelled(REFUSED, reason="badAlg"): 2**53}


def test_so_many_files_are_looked_at_and_no_more(tmp_path: Path) -> None:
    pulses = Home(tmp_path).tsa_pulses
    pulses.mkdir(parents=True)
    for number in range(MOST_FILES + 5):
        (pulses / f"refused-{number}-a").write_text("{}")
    assert len(list(read_refusals(pulses, files_of(PREFIX, pulses)))) == MOST_FILES


def test_every_reason_has_its_name() -> None:
    assert set(NAMES) == set(FailInfo) and len(set(NAMES.values())) == len(NAMES)


def test_the_service_counts_what_it_refuses(tmp_path: Path, observations: Observations) -> None:
    """Nothing that it needs answers, so every request is refused as systemFailure."""

    async def ask() -> None:
        home, authority = Home(tmp_path), AuthorityClient(tmp_path / "nobody.sock")
        open_to_all = Clearance(IssuingState.OPEN)
        service = TimestampService(
            home.timestamp_spool,
            authority,
            clearance=lambda: open_to_all,
            refusals=RefusalCounts(home.tsa_pulses),
        )
        for _ in range(3):
            await reply_of(service, b"no request")
        await service.close()

    asyncio.run(ask())
    assert said(tmp_path, observations) == {labelled(REFUSED, reason="systemFailure"): 3}


def series_of(observations: Observations, *, granted: float, refused: float) -> Observations:
    bad = labelled(REFUSED, reason="badAlg")
    observations.add_figures({GIVEN: 100.0, bad: 10.0}, NOON - timedelta(minutes=30))
    observations.add_figures({GIVEN: 100.0 + granted, bad: 10.0 + refused}, NOON)
    return observations


@pytest.mark.parametrize(("granted", "refused"), [(0, 19), (100, 90), (20, 20)])
def test_some_refusals_are_nothing_to_worry_about(
    observations: Observations, granted: float, refused: float
) -> None:
    finding = judge_refusals(series_of(observations, granted=granted, refused=refused), NOON)
    assert (finding.condition, finding.values["reasons"]) == (Condition.GOOD, f"badAlg {refused}")


def test_when_most_are_refused_somebody_is_told(observations: Observations) -> None:
    finding = judge_refusals(series_of(observations, granted=20, refused=21), NOON)
    assert (finding.condition, finding.page) == (Condition.ATTENTION, RunbookPage.TIMESTAMPS_REFUSED)
    assert finding.values == {"refused": 21, "given": 20, "reason": "badAlg"}


def test_no_refusal_is_said_too(observations: Observations) -> None:
    assert "No timestamp request" in str(judge_refusals(series_of(observations, granted=5, refused=0), NOON))
