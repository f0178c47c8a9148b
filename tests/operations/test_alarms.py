"""Alarms stay until an operator takes them back."""

from __future__ import annotations

from pathlib import Path

from appliance.operations.alarms import alarms


def test_without_an_alarm_all_is_well(tmp_path: Path) -> None:
    assert [finding.well for finding in alarms(tmp_path / "alarms")] == [True]


def test_each_service_that_failed_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "vermilion-web.service").write_text("2026-03-01T10:00:00Z signal\n")
    [found] = alarms(tmp_path)
    assert not found.well
    assert str(found) == (
        "vermilion-web.service failed at 2026-03-01T10:00:00Z (signal). "
        "See `journalctl -u vermilion-web.service`; "
        f"when it is dealt with, remove {tmp_path}/vermilion-web.service."
    )


def test_the_failure_of_the_diagnosis_itself_does_not_keep_itself_alive(tmp_path: Path) -> None:
    (tmp_path / "vermilion-diagnose.service").write_text("2026-03-01T10:00:00Z exit-code\n")
    assert [finding.well for finding in alarms(tmp_path)] == [True]
