"""When somebody is reminded: working hours, holidays, quiet hours, zones and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.errors import ConfigurationError
from appliance.model.notice import QuietHours
from appliance.policy.rules import ReminderRules
from appliance.reminders.schedule import (
    ReminderSubject,
    WorkingCalendar,
    WorkingHours,
    current_step,
    load_calendar,
    mail_at,
    next_due_at,
    parse_calendar,
    schedule,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
STEPS = ReminderRules().steps
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NIGHT = QuietHours(time(21), time(8))


def calendar(name: str = "cn") -> WorkingCalendar:
    return load_calendar(name, Path("/nowhere"))


def hours(zone: ZoneInfo = SHANGHAI, quiet: QuietHours | None = None, name: str = "cn") -> WorkingHours:
    return WorkingHours(zone, ReminderRules().hours, calendar(name), quiet)


def told(
    deadline: datetime, of: WorkingHours, *, zone: ZoneInfo = SHANGHAI, floor: datetime = LONG_AGO
) -> dict[str, str]:
    """Step → when it is due by the person's clocks."""
    dues = schedule(ReminderSubject(deadline, zone, STEPS, floor), of)
    return {due.step: f"{due.at.astimezone(of.zone):%m-%d %H:%M}" for due in dues}


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def test_an_ordinary_deadline_on_a_working_afternoon() -> None:
    assert told(at("2026-11-26T16:00"), hours()) == {
        "7d": "11-19 16:00",
        "3d": "11-23 16:00",
        "1d": "11-25 16:00",
        "2h": "11-26 14:00",
        "overdue": "11-26 16:00",
    }


def test_what_falls_into_holidays_comes_before_them_and_what_is_overdue_after_them() -> None:
    # 2026-10-05 lies in the National Day holidays; 09-28 is a Monday, 10-08 the first working day.
    assert told(at("2026-10-05T16:00"), hours()) == {
        "7d": "09-28 16:00",
        "2h": "09-30 17:00",  # three days, one day and two hours before, all of them in the holidays: one reminder
        "overdue": "10-08 09:00",
    }


def test_a_sunday_that_is_worked_instead_is_a_working_day() -> None:
    assert told(at("2026-09-21T11:00"), hours())["1d"] == "09-20 11:00"
    assert told(at("2026-09-21T11:00"), hours(name="none"))["1d"] == "09-18 17:00"


def test_quiet_hours_win_over_working_hours() -> None:
    late_riser = hours(quiet=QuietHours(time(20), time(11)))
    assert told(at("2026-11-26T10:00"), late_riser)["1d"] == "11-24 17:00"
    nobody_at_work = hours(quiet=QuietHours(time(8), time(19)))
    assert told(at("2026-11-26T10:00"), nobody_at_work)["1d"] == "11-25 07:00"


def test_the_clocks_of_the_person_decide_not_those_of_the_contract() -> None:
    assert told(at("2026-11-26T15:00"), hours(BERLIN, name="none"))["1d"] == "11-24 17:00"  # 15:00 is 08:00 there
    assert told(at("2026-11-26T18:00"), hours(BERLIN, name="none"))["1d"] == "11-25 11:00"


def test_a_day_is_a_day_by_the_clocks_also_when_they_are_changed() -> None:
    # On 2026-03-29 Berlin's clocks go from 2:00 to 3:00, on 2026-10-25 from 3:00 back to 2:00.
    of = hours(BERLIN, name="none")
    for deadline in ("2026-03-30T11:00", "2026-10-26T11:00"):
        assert told(at(deadline, BERLIN), of, zone=BERLIN)["3d"].endswith(" 11:00")
        assert told(at(deadline, BERLIN), of, zone=BERLIN)["7d"].endswith(" 11:00")


@pytest.mark.parametrize("deadline", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_deadline_in_an_hour_that_is_left_out_or_comes_twice(deadline: str) -> None:
    dues = schedule(ReminderSubject(at(deadline, BERLIN), BERLIN, STEPS, LONG_AGO), hours(BERLIN, name="none"))
    assert [due.at for due in dues] == sorted({due.at for due in dues})
    assert dues[-1].step == "overdue"


def test_nothing_is_due_before_it_was_told() -> None:
    sent = at("2026-11-25T15:00")
    assert list(told(at("2026-11-26T16:00"), hours(), floor=sent)) == ["1d", "2h", "overdue"]


def test_a_short_deadline_over_the_weekend_is_reminded_of_outside_working_hours() -> None:
    sent = at("2026-11-27T17:30")  # Friday evening, for Sunday noon
    assert told(at("2026-11-29T12:00"), hours(quiet=NIGHT), floor=sent) == {
        "1d": "11-28 12:00",
        "2h": "11-29 10:00",
        "overdue": "11-30 09:00",
    }


def test_after_a_week_off_one_step_counts() -> None:
    dues = schedule(ReminderSubject(at("2026-11-26T16:00"), SHANGHAI, STEPS, LONG_AGO), hours())
    back = at("2026-11-26T10:00")
    found = current_step(dues, back)
    assert found is not None and found.step == "1d"
    assert next_due_at(dues, back) == at("2026-11-26T14:00")


def test_a_mail_waits_for_working_hours_unless_that_is_too_late() -> None:
    night, anchor = at("2026-11-26T03:00"), at("2026-11-26T16:00")
    assert mail_at(night, anchor=anchor, hours=hours(), earliest=night) == at("2026-11-26T09:00")
    assert mail_at(night, anchor=at("2026-11-26T08:00"), hours=hours(), earliest=night) == night
    gathered = night + timedelta(hours=1)
    assert mail_at(night, anchor=at("2026-11-26T08:00"), hours=hours(), earliest=gathered) == gathered


def test_the_one_mail_a_day_is_not_waited_for_when_it_would_be_too_late() -> None:
    morning, gathered, tomorrow = (at(f"2026-11-{each}") for each in ("26T10:00", "26T11:00", "27T10:00"))
    for anchor, expected in (
        (at("2026-11-27T16:00"), tomorrow),
        (tomorrow, gathered),
        (at("2026-11-26T10:30"), morning),
    ):
        assert mail_at(morning, anchor=anchor, hours=hours(), earliest=gathered, daily=time(10)) == expected


def test_the_calendar_of_2026_is_the_one_that_was_announced() -> None:
    known = calendar()
    assert (len(known.holidays), len(known.workdays)) == (33, 6)
    assert all(day.weekday() in known.weekend for day in known.workdays)
    assert not known.is_working_day(date(2026, 2, 16)) and known.is_working_day(date(2026, 2, 14))
    assert known.covers_year(2026) and not known.covers_year(2030)


def test_of_a_year_that_is_missing_the_weekends_are_known() -> None:
    assert calendar().is_working_day(date(2030, 10, 1)) and not calendar().is_working_day(date(2030, 10, 5))
    assert calendar("none").covers_year(2030)


def test_the_calendar_of_the_home_counts_instead(tmp_path: Path) -> None:
    (tmp_path / "cn.toml").write_text('name = "自己的"\nweekend = ["sunday"]\n', encoding="utf-8")
    assert load_calendar("cn", tmp_path).is_working_day(date(2026, 11, 28))


@pytest.mark.parametrize(
    "table",
    [
        {"name": "x", "weekend": ["someday"]},
        {"name": "x", "years": {"2026": {"holidays": ["2025-01-01"]}}},
        {"name": "x", "years": {"2026": {"holidays": ["2026-01-01"], "workdays": ["2026-01-01"]}}},
        {"name": "x", "years": {"2026": {"holidays": ["2026-01-05/2026-01-01"]}}},
        {"name": "x", "holidays": []},
    ],
)
def test_an_impossible_calendar_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_calendar(table)


def test_a_calendar_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="mars"):
        load_calendar("mars", tmp_path)
