"""A deadline as people type it: a date, a time and a zone, or so many days from now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.model.contract import Deadline

PRESETS = (3, 7, 14, 30)
"""Days from now that one press chooses."""

ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Dubai",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)
"""Zones that the form offers; the draft's own comes first when it is another one."""

END_OF_WORK = time(18, 0)


@dataclass(frozen=True, slots=True)
class TypedDeadline:
    """The three fields as text: ``2026-12-09``, ``18:00``, ``Asia/Shanghai``."""

    date: str
    time: str
    zone: str

    @classmethod
    def of(cls, deadline: Deadline) -> TypedDeadline:
        """How *deadline* stands in the form."""
        local = deadline.at.astimezone(ZoneInfo(deadline.zone))
        return cls(f"{local:%Y-%m-%d}", f"{local:%H:%M}", deadline.zone)

    def read(self) -> Deadline | None:
        """The deadline, or None for what is no date, no time of day or no zone."""
        try:
            at = datetime.fromisoformat(f"{self.date.strip()}T{self.time.strip()}")
            zone = ZoneInfo(self.zone)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            return None
        return None if at.tzinfo else Deadline(at.replace(tzinfo=zone), self.zone)


def in_days(days: int, now: datetime, zone: str) -> Deadline:
    """The end of work *days* from now, in *zone*."""
    local = now.astimezone(ZoneInfo(zone)) + timedelta(days=days)
    return Deadline(datetime.combine(local.date(), END_OF_WORK, ZoneInfo(zone)), zone)


def zones(own: str) -> tuple[str, ...]:
    """What the form offers when the draft's zone is *own*."""
    return ZONES if own in ZONES else (own, *ZONES)
