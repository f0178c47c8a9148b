"""What waits is shared by the idle lanes, and nothing that was queued is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from appliance.timestamping.batches import LANES, Batches
from appliance.timestamping.issuance import Outcome
from hsm.errors import BadRequest
from hsm.timestamp import ImprintOrder, order_for

ORDER = order_for(bytes(32))


class Meeting:
    """An issuance that begins a batch when every lane has one; refuses all orders, which is an outcome too."""

    def __init__(self) -> None:
        self._all_there = threading.Barrier(LANES)
        self.sizes: list[int] = []

    def outcomes(self, orders: Sequence[ImprintOrder]) -> list[Outcome]:
        self.sizes.append(len(orders))
        self._all_there.wait(timeout=10)
        return [BadRequest("No.")] * len(orders)


class Counting:
    """An issuance that only counts."""

    def outcomes(self, orders: Sequence[ImprintOrder]) -> list[Outcome]:
        return [BadRequest("No.")] * len(orders)


def test_idle_lanes_share_what_waits() -> None:
    meeting, delivered = Meeting(), threading.Semaphore(0)
    batches: Batches[int] = Batches(meeting, lambda batch: delivered.release(len(batch)))  # type: ignore[arg-type]  # a stand-in
    batches.put([(number, ORDER) for number in range(8 * LANES)])
    for _ in range(8 * LANES):
        assert delivered.acquire(timeout=10)
    batches.close()
    assert len(meeting.sizes) == LANES
    assert sum(meeting.sizes) == 8 * LANES


def test_every_order_is_delivered_whoever_puts_it_whenever() -> None:
    delivered: list[int] = []
    batches: Batches[int] = Batches(Counting(), lambda batch: delivered.extend(waiter for waiter, _ in batch))  # type: ignore[arg-type]  # a stand-in

    def put_many(start: int) -> None:
        for number in range(start, start + 500):
            batches.put([(number * 3 + part, ORDER) for part in range(number % 3 + 1)])

    putters = [threading.Thread(target=put_many, args=(1000 * turn,)) for turn in range(4)]
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join()
    batches.close()
    expected = [
        n * 3 + part
        for turn in range(4)
        for n in range(1000 * turn, 1000 * turn + 500)
        for part in range(n % 3 + 1)
    ]
    assert sorted(delivered) == sorted(expected)
