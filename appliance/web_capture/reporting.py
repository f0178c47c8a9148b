"""What a capture tells of itself while it is under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from appliance.web_capture.model import CaptureProgress, CaptureStage, Traffic

_EVERY: Final = 0.5
"""Seconds between two reports of one stage."""


class CaptureReporting:
    """Calls *tell* at the beginning of each stage, and twice a second at most within one. Not thread-safe: the
    thread that captures reports. ``traffic`` is what is reported."""

    def __init__(
        self,
        tell: Callable[[CaptureProgress], None],
        traffic: Traffic | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self.traffic = traffic or Traffic()
        self._clock = clock
        self._stage = CaptureStage.STARTING
        self._told = 0.0

    def enter(self, stage: CaptureStage) -> None:
        """The capture is in *stage* from now on."""
        self._stage = stage
        self._report()

    def tick(self) -> None:
        """Reports again where the last report is old enough."""
        if self._clock() - self._told >= _EVERY:
            self._report()

    def _report(self) -> None:
        self._told = self._clock()
        self._tell(CaptureProgress(self._stage, self.traffic.requests, self.traffic.received))


def ignore(progress: CaptureProgress) -> None:
    """Tells nobody."""
