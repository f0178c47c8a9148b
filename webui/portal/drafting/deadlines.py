"""A deadline as people type it: a date, a time and a zone, or so many days from now."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.language import instants
from appliance.model.contract import Deadline

PRESETS = (3, 7, 14, 30)
"""Days from now that one press chooses."""

ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)
"""Zones that the form offers; the draft's own comes first when it is another one."""


@dataclass(frozen=True, slots=True)
class TypedDeadline:
    """The three fields as text: ``2026-12-09``, ``18:00``, ``Asia/Shanghai``."""

    date: str
    time: str
    zone: str

    @classmethod
    def of_deadline(cls, deadline: Deadline) -> TypedDeadline:
        """How *deadline* stands in the form."""
        day, _, time = instants.bare(deadline.at, deadline.zone).partition(" ")
        return cls(day, time, deadline.zone)

    def to_deadline(self) -> Deadline | None:
        """The deadline, or None for what is no date or no time of day.

        Raises :class:`PreconditionRefused` for a zone that there is not, and a time that its clocks leave out.
        """
        try:
            return Deadline(instants.typed(f"{self.date.strip()}T{self.time.strip()}", self.zone), self.zone)
        except ValueError:
            return None


def offered_zones(own: str) -> tuple[str, ...]:
    """What the form offers when the draft's zone is *own*."""
    return ZONES if own in ZONES else (own, *ZONES)
