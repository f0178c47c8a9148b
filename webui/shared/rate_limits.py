"""How many requests somebody may make in a minute, counted by all processes of the portal together.

They count in memory that gunicorn's parent makes before it forks: a count in the database would be a write, synced
to the disk, for each request that only reads. Nothing is kept when the portal is started anew.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from math import ceil
from mmap import mmap
from typing import Final

WINDOW: Final = 60.0
"""Seconds; each begins with somebody's first request."""

PLACES: Final = 16_384
"""Who is counted at the same time, about."""

TOGETHER: Final = 16
"""Places in which somebody can be; where all are taken, whose minute began first is forgotten."""

_PLACE: Final = struct.Struct("=16sdq")
"""Who (a digest), when their minute began, and how many requests they have made in it; 0 where nobody is."""


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


class SharedCounts:
    """Memory for counts that this process shares with those that it forks afterwards. Thread-safe, and safe
    between these processes."""

    def __init__(self) -> None:
        self._file = os.memfd_create("rate-limits", os.MFD_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, PLACES * _PLACE.size)
        self._memory = mmap(self._file, PLACES * _PLACE.size)
        self._key = secrets.token_bytes(32)  # so that nobody chooses names that share their places
        self._threads = threading.Lock()

    def add(self, who: str, limit: int, now: float) -> tuple[float, int, bool]:
        """Counts a request of *who* at *now* unless there were *limit* in the minute: when the minute began, how
        many there are in it, and whether this one was too many."""
        digest = blake2b(who.encode(), digest_size=16, key=self._key).digest()
        first = int.from_bytes(digest[:4]) % (PLACES // TOGETHER) * TOGETHER * _PLACE.size
        with self._alone():
            near = self._memory[first : first + TOGETHER * _PLACE.size]
            found = list(_PLACE.iter_unpack(near))
            known = next((index for index, each in enumerate(found) if each[0] == digest and each[2]), None)
            index = known if known is not None else min(range(TOGETHER), key=lambda at: _age_of(found[at]))
            begun, made = found[index][1:] if known is not None else (now, 0)
            if now >= begun + WINDOW:
                begun, made = now, 0
            spent = made >= limit
            made += not spent
            _PLACE.pack_into(self._memory, first + index * _PLACE.size, digest, begun, made)
        return begun, made, spent

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock of the file is a process's, and ends with it (fcntl(2)); the threads of one need their own."""
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _age_of(place: tuple[bytes, float, int]) -> tuple[bool, float]:
    """Whose place is given away first: nobody's, then that of the oldest minute."""
    _, begun, made = place
    return made > 0, begun


@cache
def shared_counts() -> SharedCounts:
    """Those of this process and its forks: gunicorn's parent makes them before it forks."""
    return SharedCounts()


class RateLimits:
    """Thread-safe. *clock* gives seconds that only go on, the same to all processes. Without *counts* nobody else
    counts."""

    def __init__(
        self, limit: int, clock: Callable[[], float] = time.monotonic, counts: SharedCounts | None = None
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._counts = counts or SharedCounts()

    def count(self, who: str) -> Allowance:
        """Counts a request of *who*, unless it is too many."""
        now = self._clock()
        begun, made, spent = self._counts.add(who, self._limit, now)
        return Allowance(self._limit, max(0, self._limit - made), max(1, ceil(begun + WINDOW - now)), spent)
