"""Room for what is in work: large documents come one after another, and pictures leave threads to forms."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import ServiceUnavailable

AT_ONCE = 64 * 1024 * 1024
"""Bytes of requests that are in work together; a larger one is alone. In work each takes several times as much."""

KEPT_FREE = 2
"""Threads that pictures leave to pages and forms."""


class Room:
    """What there is for a service with so many *threads*. Thread-safe.

    Who finds too few bytes free waits. Pages and forms go before pictures, so they wait only for what is being
    drawn already. A picture for which there is no thread is refused at once.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threading.BoundedSemaphore(max(1, threads - KEPT_FREE))
        self._left = AT_ONCE
        self._pages, self._pictures = deque[object](), deque[object]()
        self._changed = threading.Condition()

    @contextmanager
    def for_page(self, size: int) -> Iterator[None]:
        """While a page is made, or a form answered, for a request of *size* bytes."""
        with self._bytes(size, self._pages):
            yield

    @contextmanager
    def for_picture(self, size: int) -> Iterator[None]:
        """While a picture is drawn. Raises :class:`ServiceUnavailable` (503) when too many are being drawn."""
        if not self._threads.acquire(blocking=False):
            raise ServiceUnavailable
        try:
            with self._bytes(size, self._pictures):
                yield
        finally:
            self._threads.release()

    @contextmanager
    def _bytes(self, size: int, queue: deque[object]) -> Iterator[None]:
        needed, mine = min(size, AT_ONCE), object()
        with self._changed:
            queue.append(mine)
            self._changed.wait_for(lambda: (self._pages or self._pictures)[0] is mine and self._left >= needed)
            queue.popleft()
            self._left -= needed
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._left += needed
                self._changed.notify_all()
