"""Web captures in the register: what was ordered, how far it is, and plans to capture an address again. No I/O.

What a capture itself is made of belongs to :mod:`appliance.web_capture`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from hsm.errors import Sentence

LONGEST_PURPOSE: Final = 500
"""Characters of what a capture is for."""

MOST_TIMES: Final = 1000
LONGEST_PAUSE: Final = 366
"""Captures by one plan, and days between two of them, at most."""

DEFAULT_TIMES: Final = 30
"""Captures by a plan, unless its owner says otherwise: daily for thirty days."""


class CaptureState(StrEnum):
    """``waiting`` → ``running`` → ``done`` → ``disposed``; or ``failed``, or ``cancelled`` by its owner."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """Recorded: timestamped, in the log, its files stored."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISPOSED = "disposed"
    """Its term is over: files, address and purpose are gone, the entry of the log stays."""


class OrderKind(StrEnum):
    """What somebody ordered, and shares: one capture, or a plan with all of its captures. The value is the column
    of the tables."""

    CAPTURE = "capture"
    SCHEDULE = "schedule"


UNDER_WAY: Final = (CaptureState.WAITING, CaptureState.RUNNING)


@dataclass(frozen=True, slots=True)
class CaptureWork:
    """What the scheduler does on a capture. ``stage`` is a word of the engine (see
    :class:`appliance.web_capture.model.CaptureStage`), ``received`` bytes of responses. ``retry_at`` is when it
    begins at the earliest; ``refusal``: why it failed, or why it still waits."""

    retry_at: datetime
    attempts: int = 0
    began: datetime | None = None
    stage: str = ""
    requests: int = 0
    received: int = 0
    refusal: Sentence | None = None


@dataclass(frozen=True, slots=True)
class CaptureRecord:
    """What came of a capture: the page's ``title`` and the address ``visited`` in the end, the number of the log's
    ``entry``, when that was ``recorded``, and for whom the package is made (``audience``)."""

    title: str
    visited: str
    entry: int
    recorded: datetime
    audience: str


@dataclass(frozen=True, slots=True)
class RecordedComparison:
    """``earlier`` is the capture that it was compared with; ``differences`` are JSON."""

    earlier: str
    changed: bool
    differences: str = ""


@dataclass(frozen=True, slots=True)
class OrderedCapture:
    """A capture that somebody ordered. ``steps`` are those of the order as JSON; ``client`` is the API client that
    asked for it. ``held``: why it is kept beyond its term, None where it is not. ``log_in``: its owner logs in by
    hand before. ``orderer``: who ordered it, where its owner has taken it over from somebody who left."""

    id: str
    owner: str
    address: str
    purpose: str
    ordered: datetime
    state: CaptureState
    work: CaptureWork
    steps: str = "[]"
    schedule: str | None = None
    client: str | None = None
    ended: datetime | None = None
    record: CaptureRecord | None = None
    comparison: RecordedComparison | None = None
    held: str | None = None
    log_in: bool = False
    orderer: str | None = None

    @property
    def under_way(self) -> bool:
        """Whether something still comes of it by itself."""
        return self.state in UNDER_WAY


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A file of a capture: its ``name`` in the package, SHA-256 (hex) and size in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """When an address is captured: ``times`` in all, the first on the day ``first``, at once when it is ordered;
    then every so many days ``at`` a time of day in ``zone``."""

    every: int
    at: time
    zone: str
    first: date
    times: int

    def day(self, turn: int) -> date:
        """The day of the capture with this number, from 0."""
        return self.first + timedelta(days=turn * self.every)


@dataclass(frozen=True, slots=True)
class CaptureSchedule:
    """A plan for one address. ``turn``: how many captures' time has come, ``missed``: how many of these were not
    made; ``due`` is when the next one is, None when no more come. ``client`` is the API client that asked for
    it, ``orderer`` as that of :class:`OrderedCapture`."""

    id: str
    owner: str
    address: str
    purpose: str
    plan: CapturePlan
    made: datetime
    steps: str = "[]"
    turn: int = 1
    missed: int = 0
    due: datetime | None = None
    stopped: datetime | None = None
    client: str | None = None
    orderer: str | None = None

    def after(self, *, passed: int, due: datetime | None, captured: bool) -> CaptureSchedule:
        """The schedule once the time of *passed* captures has come, of which one was *captured* at most."""
        missed = self.missed + passed - int(captured)
        return replace(self, turn=self.turn + passed, missed=missed, due=due)


@dataclass(frozen=True, slots=True)
class LeftCaptures:
    """What somebody who has left leaves of captures: how many ``captures`` there are and how many plans
    (``schedules``); of these ``resting`` have captures to come, of which none is made, and ``missed`` were not."""

    subject: str
    name: str
    organisation: str
    captures: int
    schedules: int
    resting: int
    missed: int
