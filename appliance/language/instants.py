"""Instants as people read them; what they type is read by :mod:`appliance.entered_text`.

What is shown carries the offset from UTC that its zone has at that very instant (summer time included), so that it
is true by itself, whoever reads it and wherever: ``2026-11-25 16:00:00 UTC+08:00``. The form is ISO 8601's with a
blank, the same in both languages.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND, _MINUTE = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"


def second(at: datetime, zone: str) -> str:
    """*at* by the clocks of *zone*, to the second: ``2026-11-25 16:00:00 UTC+08:00``."""
    return f"{bare(at, zone, seconds=True)} {offset(at, zone)}"


def minute(at: datetime, zone: str) -> str:
    """The same to the minute, for lists and deadlines: ``2026-11-25 16:00 UTC+08:00``."""
    return f"{bare(at, zone)} {offset(at, zone)}"


def bare(at: datetime, zone: str, *, seconds: bool = False) -> str:
    """The same without the offset, for rows of times beside which the zone is named: ``2026-11-25 16:00``."""
    return at.astimezone(ZoneInfo(zone)).strftime(_SECOND if seconds else _MINUTE)


def named(at: datetime, zone: str) -> str:
    """*at* to the minute with the zone's name, for what was agreed in this zone:
    ``2026-12-04 18:00 UTC+01:00 (Europe/Berlin)``."""
    return f"{minute(at, zone)} ({zone})"


def exact(at: datetime, zone: str) -> str:
    """*at* to the second with the zone's name, for records: ``2026-11-25 16:00:00 UTC+08:00 Asia/Shanghai``."""
    return f"{second(at, zone)} {zone}"


def last_day(end: datetime, zone: str) -> str | None:
    """The last day of a term that is over at *end*, the first instant of the next day: ``2026-12-31 UTC+08:00``.
    None where the term ends within a day of *zone*."""
    last = end - timedelta(seconds=1)
    day = last.astimezone(ZoneInfo(zone)).date()
    if day == end.astimezone(ZoneInfo(zone)).date():
        return None
    return f"{day.isoformat()} {offset(last, zone)}"


def offset(at: datetime, zone: str) -> str:
    """What *zone* is away from UTC at *at*: ``UTC+08:00``; ``UTC`` alone for UTC itself."""
    if zone == "UTC":
        return "UTC"
    shown = at.astimezone(ZoneInfo(zone)).strftime("%z")
    return f"UTC{shown[:3]}:{shown[3:5]}"


def offset_minutes(at: datetime, zone: str) -> int:
    """The same as minutes east of UTC."""
    ahead = at.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds() // 60)


def on(day: date, of_day: time, zone: str | ZoneInfo) -> datetime:
    """The instant (UTC) when the clocks of *zone* show *of_day* on *day*.

    Where clocks go forward over it, it is as much later; where they go back, it is the first of two (RFC 5545,
    3.3.5). For what a rule computes; what people type is read by :func:`appliance.entered_text.local_time`.
    """
    return datetime.combine(day, of_day, ZoneInfo(zone) if isinstance(zone, str) else zone).astimezone(UTC)
