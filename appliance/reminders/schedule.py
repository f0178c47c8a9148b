"""When to remind one person of one moment: pure arithmetic over steps, zones, working hours and quiet hours.

Working days come from a calendar file: weekends, holidays, and weekend days that are worked instead (调休).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance.errors import ConfigurationError
from appliance.language import instants
from appliance.model.notice import QuietHours
from appliance.policy.rules import OVERDUE

FARTHEST = 31
"""Days that are looked through: longer than any holidays."""

BEFORE_END = timedelta(hours=1)
"""What is moved to an earlier day comes so long before its end, when there is still time to do something."""

Span = tuple[datetime, datetime]

_on = lru_cache(maxsize=4096)(instants.on)
"""Kept, for the same hours of the same days are asked for again and again."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The times at which one person may be reminded; ``zone`` is the person's.

    Someone whose quiet hours leave nothing of the working hours is reminded outside quiet hours.
    """

    zone: ZoneInfo
    working: tuple[time, time]
    calendar: WorkingCalendar
    quiet: QuietHours | None = None

    def is_free(self, at: datetime) -> bool:
        """Whether *at* lies outside the quiet hours."""
        return any(start <= at < end for day in (-1, 0) for start, end in self._awake(self._local(at, day)))

    def is_open(self, at: datetime) -> bool:
        """Whether *at* lies in working hours and outside the quiet hours."""
        return any(start <= at < end for start, end in self._open(self._local(at)))

    def at_or_before(self, at: datetime) -> datetime:
        """*at* if it is open, else late in the last open time before."""
        return self._before(at, self._open) or self.free_at_or_before(at)

    def free_at_or_before(self, at: datetime) -> datetime:
        """The same by quiet hours alone."""
        return self._before(at, self._awake) or at

    def free_at_or_after(self, at: datetime) -> datetime:
        """*at* if it is outside the quiet hours, else their end."""
        return self._after(at, self._awake) or at

    def at_or_after(self, at: datetime) -> datetime:
        """*at* if it is open, else the beginning of the next open time."""
        return self._after(at, self._open) or self.free_at_or_after(at)

    def next_at(self, at: datetime, of_day: time) -> datetime:
        """The first time from *at* on when it is *of_day* where the person is."""
        day = self._local(at)
        found = _on(day, of_day, self.zone)
        return found if found >= at else _on(day + timedelta(days=1), of_day, self.zone)

    def _before(self, at: datetime, spans: Callable[[date], list[Span]]) -> datetime | None:
        for back in range(FARTHEST + 1):
            for start, end in reversed(spans(self._local(at, -back))):
                if start <= at < end:
                    return at
                if end <= at:
                    return max(start, end - BEFORE_END)
        return None

    def _after(self, at: datetime, spans: Callable[[date], list[Span]]) -> datetime | None:
        for ahead in range(FARTHEST + 1):
            for start, end in spans(self._local(at, ahead)):
                if at < end:
                    return max(at, start)
        return None

    def _local(self, at: datetime, days: int = 0) -> date:
        return at.astimezone(self.zone).date() + timedelta(days=days)

    def _open(self, day: date) -> list[Span]:
        if not self.calendar.is_working_day(day):
            return []
        begins, ends = (_on(day, each, self.zone) for each in self.working)
        cut = ((max(begins, start), min(ends, end)) for start, end in self._awake(day))
        return [(start, end) for start, end in cut if start < end]

    def _awake(self, day: date) -> list[Span]:
        midnight, next_one = (_on(day + timedelta(days=each), time(), self.zone) for each in (0, 1))
        if self.quiet is None:
            return [(midnight, next_one)]
        start, until = (_on(day, each, self.zone) for each in (self.quiet.start, self.quiet.until))
        spans = [(midnight, start), (until, next_one)] if start < until else [(until, start)]
        return [(begins, ends) for begins, ends in spans if begins < ends]


def days_before(anchor: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day *days* earlier by the clocks of *zone*, also over a change of the clocks."""
    local = anchor.astimezone(zone)
    return _on(local.date() - timedelta(days=days), local.time(), zone)


@dataclass(frozen=True, slots=True)
class ReminderSubject:
    """What is reminded of: the moment, the zone whose clocks count its days, the steps; nothing before ``floor``.

    ``floor`` is when the person was last notified of it; a reminder due before that is not sent.
    """

    anchor: datetime
    zone: ZoneInfo
    steps: Sequence[str]
    floor: datetime


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step, and the moment at which it is due for the person."""

    step: str
    at: datetime


def schedule(subject: ReminderSubject, hours: WorkingHours) -> tuple[DueStep, ...]:
    """The reminders in the order in which they are due; of several that fall together the last step is left.

    A step before the anchor that falls outside working hours comes earlier, so that nobody has less time than the
    rules say; if that were before ``floor``, it comes at its own time, outside quiet hours only. What comes at
    the anchor or after it moves to the next working hours.
    """
    found: list[DueStep] = []
    for at, step in sorted((nominal_time(subject, step), step) for step in subject.steps):
        moved = _moved(subject, hours, at)
        while found and found[-1].at >= moved:
            found.pop()
        if moved > subject.floor:
            found.append(DueStep(step, moved))
    return tuple(found)


def nominal_time(subject: ReminderSubject, step: str) -> datetime:
    """When *step* would be due at any hour: days by the clocks of the zone, hours as they pass."""
    if step == OVERDUE:
        return subject.anchor
    count, unit = int(step[:-1]), step[-1]
    if unit == "h":
        return subject.anchor - timedelta(hours=count)
    return days_before(subject.anchor, count, subject.zone)


def _moved(subject: ReminderSubject, hours: WorkingHours, at: datetime) -> datetime:
    if at >= subject.anchor:
        return hours.at_or_after(at)
    earlier = hours.at_or_before(at)
    return earlier if earlier > subject.floor else hours.free_at_or_before(at)


def current_step(dues: Sequence[DueStep], now: datetime) -> DueStep | None:
    """The step that counts at *now*: the last one that is due, however long the machine was off; None before."""
    return next((due for due in reversed(dues) if due.at <= now), None)


def next_due_at(dues: Sequence[DueStep], now: datetime) -> datetime | None:
    """When the next step is due; None after the last one."""
    return next((due.at for due in dues if due.at > now), None)


def mail_at(
    now: datetime, *, anchor: datetime, hours: WorkingHours, earliest: datetime, daily: time | None = None
) -> datetime:
    """When a mail with a reminder goes out: in open hours, not before *earliest*, and at *daily* if given.

    If that is past the moment that it is about, it goes at any hour from *earliest* on: late is worse than
    disturbing.
    """
    begins = max(now, earliest)
    wanted = hours.at_or_after(begins if daily is None else hours.next_at(begins, daily))
    if now < anchor <= wanted:
        return begins if begins < anchor else now
    return wanted


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KNOWN = frozenset({"name", "weekend", "every_year", "years"})


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The working days of a country. Of a year that is not in ``years`` only the weekends are known.

    ``weekend`` has days of the week, Monday being 0; ``every_year``: there is nothing more to know of any year.
    """

    name: str
    weekend: frozenset[int]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()
    every_year: bool = False

    def covers_year(self, year: int) -> bool:
        """Whether the holidays of *year* are in the calendar."""
        return self.every_year or year in self.years

    def is_working_day(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day.weekday() not in self.weekend and day not in self.holidays


def load_calendar(name: str, folder: Path) -> WorkingCalendar:
    """The calendar *name*: the file ``NAME.toml`` in *folder* (the home's own), else the one that comes along.

    Raises :class:`ConfigurationError` when there is none, or it says something impossible.
    """
    own = folder / f"{name}.toml"
    supplied = resources.files(__package__).joinpath("calendars", f"{name}.toml")
    source = own if own.is_file() else supplied
    if "/" in name or not source.is_file():
        raise ConfigurationError("There is no calendar {name}; put its file at {path}.", name=name, path=own)
    try:
        return parse_calendar(tomllib.loads(source.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigurationError("The calendar {path} cannot be used: {why}.", path=source, why=error) from error


def parse_calendar(table: Mapping[str, Any]) -> WorkingCalendar:
    """The calendar in parsed TOML. Raises ValueError or TypeError for what is none."""
    unknown = set(table) - _KNOWN
    if unknown:
        raise ValueError(f"unknown entry {min(unknown)}")
    holidays: set[date] = set()
    workdays: set[date] = set()
    for year, entries in table.get("years", {}).items():
        rest = _days(entries.get("holidays", []))
        work = _days(entries.get("workdays", []))
        stray = next((day for day in rest | work if day.year != int(year)), None)
        if stray is not None:
            raise ValueError(f"{stray} is not in {year}")
        if rest & work:
            raise ValueError(f"{min(rest & work)} is both a holiday and a working day")
        holidays |= rest
        workdays |= work
    return WorkingCalendar(
        name=str(table["name"]),
        weekend=frozenset(WEEKDAYS.index(day) for day in table.get("weekend", [])),
        holidays=frozenset(holidays),
        workdays=frozenset(workdays),
        years=frozenset(map(int, table.get("years", {}))),
        every_year=bool(table.get("every_year", False)),
    )


def _days(entries: list[str]) -> set[date]:
    """``2026-02-15`` is one day, ``2026-02-15/2026-02-23`` all from the first to the last."""
    found: set[date] = set()
    for entry in entries:
        first, _, last = entry.partition("/")
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
        if end < start or (end - start).days > 31:
            raise ValueError(f"{entry} is no span of days")
        found |= {start + timedelta(days=count) for count in range((end - start).days + 1)}
    return found
