"""The screen of a recorded session: pictures with their times, at most two a second and so many in all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from appliance.language.sizes import MEGABYTE

_EVERY: Final = 0.5
"""Seconds between two pictures."""
_EVERY_LIVE: Final = 0.2
"""The same for somebody who looks at them now."""
_MOST: Final = 240
_LARGEST: Final = 2 * MEGABYTE
"""Bytes of one picture."""
_LARGEST_TOGETHER: Final = 48 * MEGABYTE
_SHORTEST: Final = 0.1
_LONGEST: Final = 60.0
"""Seconds that a picture is shown in the animation."""


class ScreenRecording:
    """Takes what the browser sends (Page.screencastFrame), which sends no more than a few before it is asked for
    others: that is how it is slowed down. The last picture of each half second is kept."""

    def __init__(self, clock: Callable[[], datetime], seconds: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._next = 0.0
        self._size = 0
        self._kept: list[tuple[datetime, bytes]] = []
        self._latest: tuple[datetime, bytes] | None = None
        self._open: list[int] = []

    @property
    def is_full(self) -> bool:
        """Whether it keeps no more."""
        return len(self._kept) >= _MOST or self._size >= _LARGEST_TOGETHER

    def take(self, picture: bytes, number: int) -> None:
        """A *picture* (JPEG) that the browser numbers so."""
        if len(self._open) < _MOST:
            self._open.append(number)
        if len(picture) <= _LARGEST:
            self._latest = self._clock(), picture

    def due(self) -> list[int]:
        """Numbers of pictures that are to be acknowledged now, so that others come."""
        if not self._open or self.is_full or self._seconds() < self._next:
            return []
        self._keep()
        self._next = self._seconds() + _EVERY
        open_now, self._open = self._open, []
        return open_now

    def pictures(self) -> list[tuple[datetime, bytes]]:
        """All that were kept, with the time of each."""
        if not self.is_full:
            self._keep()
        return self._kept

    def _keep(self) -> None:
        if self._latest is not None:
            self._kept.append(self._latest)
            self._size += len(self._latest[1])
            self._latest = None


class LiveScreen:
    """The screen for somebody who looks at it now: keeps the last picture alone. Otherwise as
    :class:`ScreenRecording`."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._next = 0.0
        self.latest, self.number, self.since = b"", 0, 0.0
        self.is_sure = False
        """Whether the last picture came because it was asked for anew."""

    def take(self, picture: bytes, number: int) -> None:
        """A *picture* (JPEG) that the browser numbers so."""
        self._open = [*self._open[-9:], number]
        self.since = time.monotonic()
        if picture and picture != self.latest and len(picture) <= _LARGEST:
            self.latest, self.number, self.is_sure = picture, self.number + 1, False

    def due(self) -> list[int]:
        """Numbers of pictures that are to be acknowledged now, so that others come."""
        if not self._open or time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + _EVERY_LIVE
        open_now, self._open = self._open, []
        return open_now


def durations(times: list[datetime], end: datetime) -> list[int]:
    """Milliseconds that each picture was seen: until the next one, the last until *end*."""
    shown = [(later - earlier).total_seconds() for earlier, later in zip(times, [*times[1:], end], strict=True)]
    return [round(1000 * min(_LONGEST, max(_SHORTEST, each))) for each in shown]
