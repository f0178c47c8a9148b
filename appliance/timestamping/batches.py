"""Group commit: orders that wait at the same time are signed in one call and recorded in one transaction."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from appliance.errors import StorageError
from appliance.timestamping.issuance import Issuance, Outcome
from hsm.timestamp import ImprintOrder

LARGEST = 32
"""Orders in one batch: the last of them waits for all of their signatures."""

LANES = 2
"""Batches under way at the same time: each lane has its own connection, hence its own worker of the authority."""

W = TypeVar("W")
Delivery = Callable[[Sequence[tuple[W, Outcome]]], None]
"""Takes a batch's outcomes, each beside whoever waits for it; called in a thread of the batches."""


class Batches(Generic[W]):
    """Threads that take whatever waits, have it issued, and deliver what became of it.

    While batches are under way the next one gathers, so the busier it is, the fewer commits there are for each
    token; when idle, an order goes at once. What waits is shared by the lanes that are idle, so that all of the
    authority's workers sign. The threads begin with the first order, so that no fork inherits them.
    """

    def __init__(self, issuance: Issuance, deliver: Delivery[W]) -> None:
        self._issuance = issuance
        self._deliver = deliver
        self._waiting: deque[tuple[W, ImprintOrder]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._busy = 0
        self._lanes: list[threading.Thread] = []

    def put(self, orders: Sequence[tuple[W, ImprintOrder]]) -> None:
        """Queues orders, each beside who waits for its outcome. Raises :class:`StorageError` when closed."""
        with self._changed:
            if self._closing:
                raise StorageError("The timestamp service is being shut down; try again in a moment.")
            self._waiting.extend(orders)
            if not self._lanes:
                self._lanes = [threading.Thread(target=self._work, daemon=True) for _ in range(LANES)]
                for lane in self._lanes:
                    lane.start()
            self._changed.notify(min(len(orders), LANES))

    def close(self) -> None:
        """Completes what waits, then ends the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for lane in self._lanes:
            lane.join()

    def _work(self) -> None:
        while batch := self._next():
            outcomes = self._issuance.outcomes([order for _, order in batch])
            self._deliver([(waiter, outcome) for (waiter, _), outcome in zip(batch, outcomes, strict=True)])
            with self._changed:
                self._busy -= 1

    def _next(self) -> list[tuple[W, ImprintOrder]]:
        """This lane's share of what waits, at most LARGEST; empty only when closing and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            share = math.ceil(len(self._waiting) / (LANES - self._busy))
            self._busy += 1
            return [self._waiting.popleft() for _ in range(min(share, LARGEST))]
