"""The clock line of every page: the time to the second, and a remark while the clock is not proven."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask

from appliance.language import instants
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.operation_types import ClockReport
from webui.shared.language import translate, zone_of_reader

FRESH = 5.0
"""Seconds for which one answer of the authority serves all pages."""

VERIFIED = "kernel"
"""The source of time for which somebody vouches: the kernel's clock, held by NTP."""


@dataclass(frozen=True, slots=True)
class ClockLine:
    """What the line shows; ``minutes`` is the offset of the reader's zone from UTC, with which the line runs on;
    ``remark`` says what is wrong, empty while all is well."""

    at: datetime
    minutes: int
    remark: str


class ClockView:
    """Asks the authority at most once in five seconds, and never delays a page or makes it fail. Thread-safe."""

    def __init__(self, authority: AuthorityClient, *, now: Callable[[], float] = time.monotonic) -> None:
        self._authority = authority
        self._now = now
        self._lock = threading.Lock()
        self._until = 0.0
        self._report: ClockReport | None = None

    def report(self) -> ClockReport | None:
        """What the authority says of its clock, or None while it does not answer."""
        with self._lock:
            if self._now() >= self._until:
                try:
                    self._report = self._authority.status().clock
                except AuthorityError:
                    self._report = None
                self._until = self._now() + FRESH
            return self._report


def install(app: Flask, view: ClockView) -> None:
    """Gives the templates of *app* ``clock_line()``."""

    def line() -> ClockLine:
        at = datetime.now(UTC).replace(microsecond=0)
        return ClockLine(at, instants.offset_minutes(at, zone_of_reader()), _remark(view.report()))

    app.context_processor(lambda: {"clock_line": line})


def _remark(report: ClockReport | None) -> str:
    if report is None:
        return translate()("The timestamp authority does not answer; nothing is dated now.")
    if not report.trusted:
        return translate()("The clock cannot be trusted; nothing is dated now.")
    return "" if report.source == VERIFIED else report.sentence.translated(translate())
