"""Working days, from a calendar file: weekends, holidays, and weekend days that are worked instead (调休)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from appliance.errors import ConfigurationError

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
        """Whether *day* is worked."""
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
