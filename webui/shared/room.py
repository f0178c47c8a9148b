"""Room for what is in work: large documents come one after another, and some threads are for neither them nor
pictures."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache

from werkzeug.exceptions import ServiceUnavailable

AT_ONCE = 64 * 1024 * 1024
"""Bytes of requests that are in work together; a larger one is alone. In work each takes several times as much."""

LARGE = 8 * 1024 * 1024
"""Bytes of a request that takes a while even when it only is looked at."""

DRAWN_AT_ONCE = 4
"""Pictures that are drawn together, each in a process of its own; further ones wait on their thread."""

KEPT_FREE = 2
"""Threads for pages and forms of what is not large, whatever else is asked for."""

CHECKED_AT_ONCE = 2
"""How often one document is looked at together, by whoever asks first and a second time for it."""

PATIENCE = 10.0
"""Seconds for which a thread waits for a place, where it does."""


def share_of(threads: int) -> int:
    """How many of so many *threads* pictures may have, and how many pages and forms of what is large."""
    return max(1, (threads - KEPT_FREE) // 2)


class Room:
    """What there is for a service with so many *threads*. Thread-safe.

    Who finds too few bytes free waits. Pages and forms go before pictures, so they wait only for what is being
    drawn already, and for each other. Who finds no thread is refused at once: :class:`ServiceUnavailable` (503);
    a page asks again for its pictures (``passkey.js``).
    """

    def __init__(self, threads: int) -> None:
        self._for_pictures = threading.BoundedSemaphore(share_of(threads))
        self._for_large = threading.BoundedSemaphore(share_of(threads))
        self._drawing = threading.BoundedSemaphore(DRAWN_AT_ONCE)
        self._left = AT_ONCE
        self._pages, self._pictures = deque[object](), deque[object]()
        self._changed = threading.Condition()

    @contextmanager
    def for_page(self, size: int) -> Iterator[None]:
        """While a page is made, or a form answered, for a request of *size* bytes."""
        with self.for_list([size]):
            yield

    @contextmanager
    def for_list(self, sizes: Sequence[int]) -> Iterator[None]:
        """The same for several requests, which are looked at one after another: all of them take a while, and one
        of them is in memory."""
        with (
            place_in(self._for_large) if sum(sizes) > LARGE else nullcontext(),
            self._bytes(max(sizes, default=0), self._pages),
        ):
            yield

    @contextmanager
    def for_picture(self, size: int) -> Iterator[None]:
        """While a picture of it is drawn."""
        with place_in(self._for_pictures), self._drawing, self._bytes(size, self._pictures):
            yield

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


class Checks:
    """Work that takes long however small it is, by name: the first look at a document, which may take as long as
    the setting ``documents.patience``, or the hash of a PIN. Thread-safe.

    There are at most so many at once (*most*), and few of one name (*of_each*): who has the address of a slow
    document cannot have it looked at on every thread. Who comes then is refused: :class:`ServiceUnavailable`
    (503).
    """

    def __init__(self, most: int, *, of_each: int = CHECKED_AT_ONCE) -> None:
        self._most = most
        self._of_each = of_each
        self._under_way = Counter[bytes]()
        self._turn = threading.Lock()

    @contextmanager
    def of(self, name: bytes) -> Iterator[None]:
        """While there is work for what has this *name*."""
        with self._turn:
            if self._under_way[name] >= self._of_each or self._under_way.total() >= self._most:
                raise ServiceUnavailable
            self._under_way[name] += 1
        try:
            yield
        finally:
            with self._turn:
                self._under_way -= Counter([name])


@cache
def verification_room(threads: int) -> Checks:
    """Who may have a file judged, by the page or by the API: a file of anybody's can take seconds. Half of so many
    *threads* are for other pages."""
    most = max(1, threads // 2)
    return Checks(most, of_each=most)


@contextmanager
def place_in(places: threading.BoundedSemaphore, *, patience: float = 0.0) -> Iterator[None]:
    """While one of the *places* is taken; who finds none, for *patience* seconds, is refused:
    :class:`ServiceUnavailable` (503)."""
    if not places.acquire(timeout=patience):
        raise ServiceUnavailable
    try:
        yield
    finally:
        places.release()
