"""Instants are shown with the offset of their zone at that instant, and typed times are read in their zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from appliance.entered_text import local_time
from appliance.errors import PreconditionRefused
from appliance.language import Language, instants, translator

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("utc", "zone", "shown"),
    [
        ("2026-12-04T17:00", BERLIN, "2026-12-04 18:00 UTC+01:00 (Europe/Berlin)"),
        ("2026-07-04T16:00", BERLIN, "2026-07-04 18:00 UTC+02:00 (Europe/Berlin)"),
        ("2026-10-25T00:30", BERLIN, "2026-10-25 02:30 UTC+02:00 (Europe/Berlin)"),
        ("2026-10-25T01:30", BERLIN, "2026-10-25 02:30 UTC+01:00 (Europe/Berlin)"),
        ("2026-12-04T17:00", "America/New_York", "2026-12-04 12:00 UTC-05:00 (America/New_York)"),
        ("2026-12-04T17:00", "Asia/Kolkata", "2026-12-04 22:30 UTC+05:30 (Asia/Kolkata)"),
        ("2026-12-04T17:00", "UTC", "2026-12-04 17:00 UTC (UTC)"),
    ],
)
def test_an_instant_has_the_offset_that_its_zone_has_then(utc: str, zone: str, shown: str) -> None:
    at = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert instants.named(at, zone) == shown
    assert instants.minute(at, zone) == shown.rpartition(" (")[0]
    there = f"{at + timedelta(minutes=instants.offset_minutes(at, zone)):%Y-%m-%d %H:%M:%S}"
    assert instants.second(at, zone) == f"{there} {instants.offset(at, zone)}"


@pytest.mark.parametrize(
    ("typed", "zone", "utc"),
    [
        ("2026-12-04T18:00", BERLIN, "2026-12-04T17:00"),
        ("2026-07-04T18:00", BERLIN, "2026-07-04T16:00"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30"),  # comes twice: the first
        ("2026-12-04T18:00", "Asia/Kolkata", "2026-12-04T12:30"),
    ],
)
def test_a_typed_time_is_one_of_its_zone(typed: str, zone: str, utc: str) -> None:
    at = local_time(typed, zone)
    assert at == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert instants.bare(at, zone).replace(" ", "T") == typed


def test_a_time_that_the_clocks_leave_out_is_refused_with_a_sentence() -> None:
    with pytest.raises(PreconditionRefused, match=r"Europe/Berlin go forward over 2027-03-28 02:30.*03:30"):
        local_time("2027-03-28T02:30", BERLIN)
    assert instants.on(date(2027, 3, 28), time(2, 30), BERLIN) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["", "tomorrow", "2026-02-31T10:00", "2026-12-04T18:00+01:00", "0001-01-01T00:00"]
)
def test_what_is_no_local_time_is_no_value(typed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        local_time(typed, "Asia/Shanghai")


def test_no_other_zone_than_those_of_the_system() -> None:
    with pytest.raises(PreconditionRefused, match="no time zone Mars/Olympus"):
        local_time("2026-12-04T18:00", "Mars/Olympus")


@pytest.mark.parametrize(
    ("end", "zone", "shown"),
    [
        ("2026-12-31T16:00", "Asia/Shanghai", "2026-12-31 UTC+08:00"),
        ("2026-12-31T16:00", BERLIN, None),
        ("2026-12-31T16:00:01", "Asia/Shanghai", None),
        ("2026-10-25T23:00", BERLIN, "2026-10-25 UTC+01:00"),  # a day of 25 hours
        ("2027-01-01T00:00", "UTC", "2026-12-31 UTC"),
    ],
)
def test_a_term_of_whole_days_is_told_by_its_last_one(end: str, zone: str, shown: str | None) -> None:
    assert instants.last_day(datetime.fromisoformat(end).replace(tzinfo=UTC), zone) == shown


def test_a_day_that_begins_late_follows_the_last_one() -> None:
    """In Cairo clocks go forward over midnight: 2027-04-30 begins at one o'clock."""
    end = instants.on(date(2027, 4, 30), time(), "Africa/Cairo")
    assert instants.last_day(end, "Africa/Cairo") == "2027-04-29 UTC+02:00"


def test_an_instant_within_a_sentence_is_the_readers() -> None:
    at = datetime(2026, 12, 4, 17, tzinfo=UTC)
    sentence = translator(Language.ENGLISH, "Asia/Kolkata")("Added {at}", at=at)
    assert sentence == "Added 2026-12-04 22:30:00 UTC+05:30"
