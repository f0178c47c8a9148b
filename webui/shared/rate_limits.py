"""How many requests somebody may make in a minute, counted by each process for itself.

A client whose requests go to both of two processes may therefore make up to twice as many. To count together they
would have to write to the database for each request, also for those that only read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

WINDOW: Final = 60.0
"""Seconds; each begins with somebody's first request."""

MOST_KNOWN: Final = 10_000
"""Who is counted at the same time; beyond that, whose minute is over is forgotten."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests are allowed, how many of them are left, and in how many seconds all are again; ``spent``
    when this one was too many."""

    limit: int
    left: int
    seconds: int
    spent: bool

    def headers(self) -> dict[str, str]:
        """For the answer (draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={int(WINDOW)}',
            "RateLimit": f'"minute";r={self.left};t={self.seconds}',
        }


class RateLimits:
    """Thread-safe. *clock* gives seconds that only go on."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, int]] = {}

    def count(self, who: str) -> Allowance:
        """Counts a request of *who*, unless it is too many."""
        now = self._clock()
        with self._lock:
            if len(self._counted) >= MOST_KNOWN:
                self._counted = {key: each for key, each in self._counted.items() if now < each[0] + WINDOW}
            begun, made = self._counted.get(who, (now, 0))
            if now >= begun + WINDOW:
                begun, made = now, 0
            spent = made >= self._limit
            made += not spent
            self._counted[who] = (begun, made)
        return Allowance(self._limit, self._limit - made, max(1, ceil(begun + WINDOW - now)), spent)
