"""Drills: what they find is kept, and `diagnose` has a remedy for what is wrong or old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.clock import utc_now
from appliance.health import HealthFinding
from appliance.health.check_context import open_check_context
from appliance.health.machine_checks import backup, backup_finding, drill_finding, unconfigured
from appliance.health.machine_checks import drill as last
from appliance.operations.backup import BackupArchive, BackupContext
from appliance.operations.drill import run_drill
from appliance.operations.results import DrillResult
from tests.operations.site import Site, files_of


@pytest.fixture(scope="module")
def backups(site: Site, archive: BackupArchive) -> Iterator[BackupContext]:
    with site.backups() as opened:
        yield opened


@pytest.fixture(scope="module")
def passed(backups: BackupContext) -> DrillResult:
    return run_drill(backups, now=utc_now())


def found(site: Site) -> dict[str, HealthFinding]:
    with open_check_context(site.home, role="operator", now=utc_now()) as asked:
        findings = {"backup": backup(asked), "drill": last(asked)}
    return {name: finding for name, finding in findings.items() if finding}


def test_a_drill_opens_and_verifies_the_newest(site: Site, archive: BackupArchive, passed: DrillResult) -> None:
    assert passed.passed and passed.archive == archive.name and passed.contracts == 1
    assert passed.size > 0 and passed.documents == archive.manifest().documents
    assert DrillResult.load(site.home.drill) == replace(passed, at=passed.at.replace(microsecond=0), values={})
    assert all(finding.well for finding in found(site).values())
    assert not list(site.home.state.glob(".drill-*")), "something clear was left"


def test_age_is_an_alarm(site: Site, passed: DrillResult) -> None:
    settings, now = site.world.settings, utc_now()
    assert backup_finding(settings, None, now).well and drill_finding(passed, now).well
    assert not backup_finding(settings, None, now + timedelta(hours=28)).well
    assert not drill_finding(passed, now + timedelta(days=9)).well
    assert not drill_finding(None, now).well
    nothing = drill_finding(
        DrillResult("", now, template="There is no backup in {path}.", values={"path": "backups"}), now
    )
    assert str(nothing) == "The drill failed: There is no backup in backups."
    assert unconfigured(demonstration=True).well and not unconfigured(demonstration=False).well


def test_damage_fails_the_drill(
    site: Site, archive: BackupArchive, backups: BackupContext, passed: DrillResult
) -> None:
    for path in (archive.part("database.age"), files_of(archive)[-1]):
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        done = run_drill(backups, now=utc_now())
        path.write_bytes(original)
        assert not done.passed and "is damaged" in done.template
        finding = found(site)["drill"]
        assert not finding.well and "vermilion drill" in finding.advice and archive.name in str(finding)


def test_without_any_backup_the_drill_fails(site: Site, backups: BackupContext, passed: DrillResult) -> None:
    elsewhere = replace(backups.settings, backup=replace(backups.settings.backup, directory="nowhere"))
    assert "There is no backup" in run_drill(replace(backups, settings=elsewhere), now=utc_now()).template
    assert not backup_finding(elsewhere, None, utc_now()).well
