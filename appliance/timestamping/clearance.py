"""What the scheduler tells the timestamp service, which reads nothing of the portal's: whether timestamps may be
issued now, and up to where the log has what it issued.

A small file, written when something in it changes. It outlasts the scheduler, so timestamps are given while that
is started again; on an appliance a reboot removes it, so none is given before the log was looked at.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from appliance.errors import LedgerDamaged, SpoolDamaged
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.sharing import make_directory, write_whole

FRESH = 1.0
"""Seconds for which one look at the file serves."""

LARGEST = 1024 * 1024


class IssuingState(StrEnum):
    """Whether timestamps are issued."""

    OPEN = "open"
    MAINTENANCE = "maintenance"
    """Not while a maintenance is under way."""
    CLOSED = "closed"
    """Not into a log that is not the one that the authority remembers, nor before anybody has looked."""


@dataclass(frozen=True, slots=True)
class Clearance:
    """``fed`` has the position up to which each file of the spool is in the log."""

    issuing: IssuingState
    fed: Mapping[str, int] = field(default_factory=dict)


UNKNOWN = Clearance(IssuingState.CLOSED)


def write_clearance(path: Path, clearance: Clearance) -> None:
    """Puts *clearance* in place of the last one. Raises OSError."""
    make_directory(path.parent)
    write_whole(path, json.dumps({"issuing": clearance.issuing, "fed": dict(clearance.fed)}).encode())


def read_clearance(path: Path) -> Clearance:
    """What the file says; :data:`UNKNOWN` when there is none, or none that can be read."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        with path.open("rb") as stream:
            said = json.loads(stream.read(LARGEST))
        return Clearance(IssuingState(said["issuing"]), {str(name): int(at) for name, at in said["fed"].items()})
    return UNKNOWN


class ClearanceReader:
    """The timestamp service's side: looks once a second. For one thread."""

    def __init__(self, path: Path, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._ticks = ticks
        self._looked: float | None = None
        self._last = UNKNOWN

    def current(self) -> Clearance:
        """What the scheduler said last."""
        if self._looked is None or self._ticks() - self._looked >= FRESH:
            self._last, self._looked = read_clearance(self._path), self._ticks()
        return self._last


class TimestampFeed:
    """The scheduler's side: feeds the log, and says what became of it. For one thread."""

    def __init__(
        self,
        feeder: TimestampFeeder,
        path: Path,
        *,
        require_log: Callable[[], object],
        under_maintenance: Callable[[], object],
    ) -> None:
        """*require_log* raises :class:`LedgerDamaged` when the log is not the one that the authority remembers."""
        self._feeder = feeder
        self._path = path
        self._require_log = require_log
        self._held = under_maintenance
        self._log_is_known = False
        self._said: Clearance | None = None

    def run_round(self) -> None:
        """Feeds a log that is the authority's; when it is not, the timestamp service is told to issue nothing.

        Raises :class:`LedgerDamaged` and as :meth:`TimestampFeeder.run_once`, once the service has been told.
        """
        try:
            if not self._log_is_known:
                self._require_log()
                self._log_is_known = True
            self._feeder.run_once()
        except LedgerDamaged:
            self._say(UNKNOWN)
            raise
        except SpoolDamaged:
            self._say_how_it_stands()
            raise
        self._say_how_it_stands()

    def _say_how_it_stands(self) -> None:
        issuing = IssuingState.MAINTENANCE if self._held() else IssuingState.OPEN
        self._say(Clearance(issuing, self._feeder.positions()))

    def _say(self, clearance: Clearance) -> None:
        if clearance != self._said or not self._path.exists():
            write_clearance(self._path, clearance)
            self._said = clearance
