"""When to remind one person of one moment: pure arithmetic over steps, zones, working hours and quiet hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.policy.reminders import OVERDUE
from appliance.reminders.hours import WorkingHours, days_before


@dataclass(frozen=True, slots=True)
class ReminderSubject:
    """What is reminded of: the moment, the zone whose clocks count its days, the steps; nothing before ``floor``.

    ``floor`` is when the person was told of it last; a reminder that was due before that is not wanted any more.
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


def schedule(matter: ReminderSubject, hours: WorkingHours) -> tuple[DueStep, ...]:
    """The reminders in the order in which they are due; of several that fall together the last step is left.

    A step before the anchor that falls outside working hours comes earlier, so that nobody has less time than the
    rules say; if that were before ``floor``, it comes at its own time, outside quiet hours only. What comes at
    the anchor or after it moves to the next working hours.
    """
    found: list[DueStep] = []
    for at, step in sorted((nominal_time(matter, step), step) for step in matter.steps):
        moved = _moved(matter, hours, at)
        while found and found[-1].at >= moved:
            found.pop()
        if moved > matter.floor:
            found.append(DueStep(step, moved))
    return tuple(found)


def nominal_time(matter: ReminderSubject, step: str) -> datetime:
    """When *step* would be due at any hour: days by the clocks of the zone, hours as they pass."""
    if step == OVERDUE:
        return matter.anchor
    count, unit = int(step[:-1]), step[-1]
    if unit == "h":
        return matter.anchor - timedelta(hours=count)
    return days_before(matter.anchor, count, matter.zone)


def _moved(matter: ReminderSubject, hours: WorkingHours, at: datetime) -> datetime:
    if at >= matter.anchor:
        return hours.at_or_after(at)
    earlier = hours.at_or_before(at)
    return earlier if earlier > matter.floor else hours.free_at_or_before(at)


def current_step(dues: Sequence[DueStep], now: datetime) -> DueStep | None:
    """The step that counts at *now*: the last one that is due, however long the machine was off; None before."""
    return next((due for due in reversed(dues) if due.at <= now), None)


def next_due_at(dues: Sequence[DueStep], now: datetime) -> datetime | None:
    """When the next step is due; None after the last one."""
    return next((due.at for due in dues if due.at > now), None)


def mail_at(now: datetime, *, anchor: datetime, hours: WorkingHours, earliest: datetime) -> datetime:
    """When a mail with a reminder goes out: in open hours, not before *earliest*.

    If that is past the moment that it is about, it goes at any hour: late is worse than disturbing.
    """
    wanted = hours.at_or_after(max(now, earliest))
    if now < anchor <= wanted:
        return earliest if now < earliest < anchor else now
    return wanted
