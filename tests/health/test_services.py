"""Services that failed stay told until an operator takes them back; workers show that they live."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from appliance.config import Settings
from appliance.health import Condition, Observed, RunbookPage, contract_checks, machine_checks, record_checks
from appliance.health.alarms import due
from appliance.health.check_context import CheckContext
from appliance.health.findings import HealthFinding
from appliance.health.service_checks import activation, services, timestamps, versions
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from tests.health.asked import asked

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_without_an_alarm_all_is_well(tmp_path: Path) -> None:
    assert services(asked(NOON, home=SimpleNamespace(alarms=tmp_path / "alarms"))).well


def test_each_service_that_failed_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "vermilion-tsa.service").write_text("2026-03-01T10:00:00Z signal\n")
    (tmp_path / "vermilion-web.service").write_text("2026-03-01T11:00:00Z exit-code\n")
    found = services(asked(NOON, home=SimpleNamespace(alarms=tmp_path)))
    assert (found.well, found.page) == (False, RunbookPage.SERVICE_FAILED)
    assert "vermilion-tsa.service (2026-03-01T10:00:00Z signal), vermilion-web.service (" in str(found)
    assert found.advice == (
        f"See `journalctl -u vermilion-tsa.service`; when it is dealt with, remove its file in {tmp_path}."
    )


@pytest.mark.parametrize(
    ("managed", "named", "well"), [(True, "9.9", False), (True, None, True), (False, "9.9", True)]
)
def test_a_volume_that_names_another_release_is_told(
    tmp_path: Path, managed: bool, named: str | None, well: bool
) -> None:
    home = Home(tmp_path)
    if managed:
        (tmp_path / "config").symlink_to(tmp_path)
    if named is not None:
        home.release.write_text(f"{named}\n")
    runs = SimpleNamespace(version=metadata.version("vermilion"))
    found = versions(asked(NOON, home=home, authority=lambda: runs))
    assert (found.well, found.page) == ((True, None) if well else (True, RunbookPage.VERSIONS_DIFFER))
    assert (found.condition is Condition.GOOD) is well
    assert ("the volume names 9.9" in str(found)) is not well


def test_the_failure_of_the_diagnosis_itself_does_not_keep_itself_alive(tmp_path: Path) -> None:
    (tmp_path / "vermilion-diagnose.service").write_text("2026-03-01T10:00:00Z exit-code\n")
    assert services(asked(NOON, home=SimpleNamespace(alarms=tmp_path))).well


def test_a_process_lives_while_it_shows_it(tmp_path: Path) -> None:
    pulses = Heartbeats(tmp_path / "pulses")
    assert pulses.alive("web", within=30) == 0
    pulses.show("web")
    pulses.show("web")
    assert (pulses.alive("web", within=30), pulses.alive("tsa", within=30)) == (1, 0)
    (shown,) = (tmp_path / "pulses").iterdir()
    os.utime(shown, (1, 1))
    assert pulses.alive("web", within=30) == 0
    assert not shown.exists(), "what is long over is removed"


@pytest.mark.parametrize(
    ("service", "check", "place"),
    [("activation", activation, "activation_pulses"), ("tsa", timestamps, "tsa_pulses")],
)
def test_who_shares_no_directory_shows_it_in_a_place_of_its_own(
    tmp_path: Path, service: str, check: Callable[[CheckContext], HealthFinding], place: str
) -> None:
    home = Home(tmp_path)
    Heartbeats(home.pulses).show(service)
    here = asked(NOON, home=home, configured=lambda: Settings(home))
    assert (check(here).condition, check(here).page) == (Condition.FAILING, RunbookPage.WEB_DOWN)
    Heartbeats(getattr(home, place)).show(service)
    assert check(here).well


def test_what_is_not_configured_is_neither_good_nor_an_alarm() -> None:
    bench = SimpleNamespace(configured=lambda: Settings(Home(Path("/nowhere"))))
    for question in (record_checks.mail, contract_checks.outside_timestamps):
        found = question(cast("CheckContext", bench))
        assert (found.condition, found.well, found.page) == (Condition.NOT_CONFIGURED, True, None)
        assert not list(due([Observed(found, NOON, NOON)], {}, NOON, repeat=timedelta(days=1)))
    assert machine_checks.unconfigured(demonstration=True).condition is Condition.NOT_CONFIGURED
    assert not machine_checks.unconfigured(demonstration=False).well
