"""Drills: what they find is kept, and `diagnose` has a remedy for what is wrong or old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.health import Finding
from appliance.health.backups import backup, drills, made, unconfigured
from appliance.health.backups import drill as last
from appliance.health.bench import bench
from appliance.operations.backup import Archive, Workroom
from appliance.operations.drill import Drill, drill, last_drill
from appliance.wiring import utc_now
from tests.operations.house import House, files_of


@pytest.fixture(scope="module")
def room(house: House, archive: Archive) -> Iterator[Workroom]:
    with house.room() as opened:
        yield opened


@pytest.fixture(scope="module")
def passed(room: Workroom) -> Drill:
    return drill(room, now=utc_now())


def found(house: House) -> dict[str, Finding]:
    with bench(house.home, role="operator", now=utc_now()) as asked:
        findings = [backup(asked), last(asked)]
    return {finding.name: finding for finding in findings if finding}


def test_a_drill_opens_and_verifies_the_newest(house: House, archive: Archive, passed: Drill) -> None:
    assert passed.passed and passed.archive == archive.name and passed.contracts == 1
    assert passed.size > 0 and passed.documents == archive.manifest().documents
    assert last_drill(house.home) == replace(passed, at=passed.at.replace(microsecond=0), values={})
    assert all(finding.well for finding in found(house).values())
    assert not list(house.home.state.glob(".drill-*")), "something clear was left"


def test_age_is_an_alarm(house: House, passed: Drill) -> None:
    settings, now = house.world.settings, utc_now()
    assert made(settings, None, now).well and drills(passed, now).well
    assert not made(settings, None, now + timedelta(hours=28)).well
    assert not drills(passed, now + timedelta(days=9)).well
    assert not drills(None, now).well
    nothing = drills(Drill("", now, template="There is no backup in {path}.", values={"path": "backups"}), now)
    assert str(nothing) == "The drill failed: There is no backup in backups."
    assert unconfigured(demonstration=True).well and not unconfigured(demonstration=False).well


def test_damage_fails_the_drill(house: House, archive: Archive, room: Workroom, passed: Drill) -> None:
    for path in (archive.part("database.age"), files_of(archive)[-1]):
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        done = drill(room, now=utc_now())
        path.write_bytes(original)
        assert not done.passed and "is damaged" in done.template
        finding = found(house)["drill"]
        assert not finding.well and "vermilion drill" in finding.advice and archive.name in str(finding)


def test_without_any_backup_the_drill_fails(house: House, room: Workroom, passed: Drill) -> None:
    elsewhere = replace(room.settings, backup=replace(room.settings.backup, directory="nowhere"))
    assert "There is no backup" in drill(replace(room, settings=elsewhere), now=utc_now()).template
    assert not made(elsewhere, None, utc_now()).well
