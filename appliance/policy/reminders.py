"""The rules on when people are reminded of what waits for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import ClassVar

from hsm.settings import require

STEP = re.compile(r"([1-9]\d{0,2})([dh])|overdue")
OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """``steps``: how long before the signing deadline people are reminded (``7d``, ``2h``), and ``overdue`` at it;
    ``escalate``: those of them at which the initiator hears of what others have not done; ``dates``: the same for
    dates beyond signing, ``0d`` being the day itself. ``grace_hours``: how long after the deadline the initiator
    can still extend it before the contract expires. ``calendar``: whose holidays count. ``working_hours``: in the
    recipient's zone. ``gather_minutes``: the least time between two mails with reminders to one person."""

    FOR_ALL: ClassVar[frozenset[str]] = frozenset({"calendar", "working_hours", "gather_minutes"})

    steps: list[str] = field(default_factory=lambda: ["7d", "3d", "1d", "2h", OVERDUE])
    escalate: list[str] = field(default_factory=lambda: ["1d", OVERDUE])
    dates: list[str] = field(default_factory=lambda: ["30d", "7d", "0d"])
    grace_hours: int = 0
    calendar: str = "cn"
    working_hours: str = "09:00-18:00"
    gather_minutes: int = 60

    def check(self) -> None:
        """Raises ConfigurationRefused for steps, hours or times that are none."""
        for step in self.steps:
            require(STEP.fullmatch(step) is not None, "reminders.steps", 'like ["7d", "2h", "overdue"]')
        known = set(self.escalate) <= set(self.steps)
        require(known, "reminders.escalate", "some of reminders.steps")
        for step in self.dates:
            require(re.fullmatch(r"\d{1,3}d", step) is not None, "reminders.dates", 'like ["30d", "7d", "0d"]')
        require(0 <= self.grace_hours <= 24 * 90, "reminders.grace_hours", "from 0 to 2160")
        require(5 <= self.gather_minutes <= 24 * 60, "reminders.gather_minutes", "from 5 to 1440")
        require(self._hours() is not None, "reminders.working_hours", 'like "09:00-18:00"')

    @property
    def grace(self) -> timedelta:
        """How long after its deadline a contract can still be extended."""
        return timedelta(hours=self.grace_hours)

    @property
    def gather(self) -> timedelta:
        """The least time between two mails with reminders to one person."""
        return timedelta(minutes=self.gather_minutes)

    @property
    def hours(self) -> tuple[time, time]:
        """When work begins and ends."""
        return self._hours() or (time(9), time(18))

    def _hours(self) -> tuple[time, time] | None:
        start, _, end = self.working_hours.partition("-")
        try:
            begins, ends = time.fromisoformat(start), time.fromisoformat(end)
        except ValueError:
            return None
        return (begins, ends) if begins < ends and begins.tzinfo is None else None
