"""Drills: what they find is kept, and `diagnose` has a remedy for what is wrong or old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from appliance.operations.backup import Archive, Workroom
from appliance.operations.drill import drill, last_drill
from appliance.operations.finding import Finding
from appliance.operations.keeping import backups, drills, keeping, unconfigured
from appliance.wiring import utc_now
from tests.operations.house import House, files_of


def found(house: House) -> dict[str, Finding]:
    return {finding.name: finding for finding in keeping(house.home, utc_now())}


def test_a_drill_opens_and_verifies_the_newest(house: House, archive: Archive) -> None:
    with house.room() as room:
        done = drill(room, now=utc_now())
    assert done.passed and done.archive == archive.name and done.contracts == 1
    assert done.size > 0 and done.documents == archive.manifest().documents
    assert last_drill(house.home) == replace(done, at=done.at.replace(microsecond=0), values={})
    assert all(finding.well for finding in found(house).values())
    assert not list(house.home.state.glob(".drill-*")), "something clear was left"


def test_damage_fails_the_drill(house: House, archive: Archive) -> None:
    with house.room() as room:
        for path in (archive.part("database.age"), files_of(archive)[-1]):
            original = path.read_bytes()
            path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
            done = drill(room, now=utc_now())
            path.write_bytes(original)
            assert not done.passed and "is damaged" in done.template
            finding = found(house)["drill"]
            assert not finding.well and "vermilion drill" in str(finding) and archive.name in str(finding)
        assert drill(room, now=utc_now()).passed


def test_age_is_an_alarm(house: House, archive: Archive) -> None:
    settings, now = house.world.settings, utc_now()
    with house.room() as room:
        drill(room, now=now)
    assert backups(settings, now).well and drills(last_drill(house.home), now).well
    assert not backups(settings, now + timedelta(hours=28)).well
    assert not drills(last_drill(house.home), now + timedelta(days=9)).well
    assert not drills(None, now).well


def test_without_any_backup_the_drill_fails(house: House, archive: Archive) -> None:
    elsewhere = replace(house.world.settings, backup=replace(house.world.settings.backup, directory="nowhere"))
    with house.room() as room:
        bare = Workroom(elsewhere, room.environment, room.authority)
        assert "There is no backup" in drill(bare, now=utc_now()).template
        assert not backups(elsewhere, utc_now()).well
        drill(room, now=utc_now())
    assert unconfigured(demonstration=True).well and not unconfigured(demonstration=False).well
