"""Maintenance: when the portal only lets people look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One maintenance. It is under way from ``begins`` until somebody ends it; ``until`` is when that is expected.

    ``message`` is what its operator has to say, or empty; ``exceptions`` are the subjects who may go on meanwhile.
    """

    begins: datetime
    until: datetime
    message: str = ""
    exceptions: frozenset[str] = frozenset()

    def is_under_way(self, now: datetime) -> bool:
        """Whether it has begun."""
        return self.begins <= now

    def seconds_left(self, now: datetime, *, least: int) -> int:
        """Seconds until it is expected to end, and at *least* so many when it lasts longer than expected."""
        return max(least, int((self.until - now).total_seconds()))
