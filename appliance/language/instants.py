"""Instants as people read them, and local times as people type them: the one place for both.

What is shown carries the offset from UTC that its zone has at that very instant (summer time included), so that it
is true by itself, whoever reads it and wherever: ``2026-11-25 16:00:00 UTC+08:00``. The form is ISO 8601's with a
blank, the same in both languages.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.errors import PreconditionRefused

_SECOND, _MINUTE = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone. Raises :class:`PreconditionRefused` when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PreconditionRefused("There is no time zone {zone}.", zone=name) from error


def second(at: datetime, zone: str) -> str:
    """*at* by the clocks of *zone*, to the second: ``2026-11-25 16:00:00 UTC+08:00``."""
    return f"{bare(at, zone, seconds=True)} {offset(at, zone)}"


def minute(at: datetime, zone: str) -> str:
    """The same to the minute, for lists and deadlines: ``2026-11-25 16:00 UTC+08:00``."""
    return f"{bare(at, zone)} {offset(at, zone)}"


def bare(at: datetime, zone: str, *, seconds: bool = False) -> str:
    """The same without the offset, for rows of times beside which the zone is named: ``2026-11-25 16:00``."""
    return at.astimezone(zone_of(zone)).strftime(_SECOND if seconds else _MINUTE)


def named(at: datetime, zone: str) -> str:
    """*at* to the minute with the zone's name, for what was agreed in this zone:
    ``2026-12-04 18:00 UTC+01:00 (Europe/Berlin)``."""
    return f"{minute(at, zone)} ({zone})"


def offset(at: datetime, zone: str) -> str:
    """What *zone* is away from UTC at *at*: ``UTC+08:00``; ``UTC`` alone for UTC itself."""
    if zone == "UTC":
        return "UTC"
    shown = at.astimezone(zone_of(zone)).strftime("%z")
    return f"UTC{shown[:3]}:{shown[3:5]}"


def offset_minutes(at: datetime, zone: str) -> int:
    """The same as minutes east of UTC."""
    ahead = at.astimezone(zone_of(zone)).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds() // 60)


def on(day: date, of_day: time, zone: str | ZoneInfo) -> datetime:
    """The instant (UTC) when the clocks of *zone* show *of_day* on *day*.

    Where clocks go forward over it, it is as much later; where they go back, it is the first of two (RFC 5545,
    3.3.5). For what a rule computes; what people type is read by :func:`typed`.
    """
    return datetime.combine(day, of_day, zone_of(zone) if isinstance(zone, str) else zone).astimezone(UTC)


def typed(text: str, zone: str) -> datetime:
    """The instant (UTC) that somebody means who types *text*, like ``2026-11-28T18:00``, for the clocks of *zone*.

    Of a time that comes twice, when clocks go back, it is the first (RFC 5545, 3.3.5); the page shows with which
    offset it was taken. Raises :class:`PreconditionRefused` for a zone that does not exist and for a time that is
    left out when clocks go forward, ValueError for what is no local time.
    """
    there, local = zone_of(zone), datetime.fromisoformat(text)
    if local.tzinfo is not None:
        raise ValueError(text)
    try:
        at = local.replace(tzinfo=there).astimezone(UTC)
        again = at.astimezone(there).replace(tzinfo=None)
    except OverflowError as error:  # the first and last day of the calendar
        raise ValueError(text) from error
    if again != local:
        raise PreconditionRefused(
            "The clocks of {zone} go forward over {time}; choose a time before or after, such as {instead}.",
            time=f"{local:%Y-%m-%d %H:%M}",
            zone=zone,
            instead=f"{again:%H:%M}",
        )
    return at
