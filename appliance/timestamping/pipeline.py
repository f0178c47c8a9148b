"""The authority signs batch after batch, while those before them are written to disk.

::

    ask → waiting → a stream (one connection, one worker of the authority) → recorder (one write for all) → reply

No stage waits for another: what arrived while a batch was signed goes to the authority as soon as a stream is
free; what several streams have signed by the time the disk is free shares one write.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.errors import StorageError
from appliance.ledger.timestamp_spool import TimestampSpool
from hsm.errors import BadRequest
from hsm.timestamp import IssuedToken, RequestRefused, TimestampRequest
from hsm.timestamp_stream import Signed, TimestampStream

LARGEST = 32
"""Orders in one batch: the last of them waits for all of their signatures."""

STREAM_COUNT = 2
"""Connections to the authority, each with another worker of it."""

MAX_BATCHES_PER_STREAM = 1
"""Batches of one stream. With a second one behind the first no worker ever waits for us, but batches are smaller,
and with two cores there is always somebody else to compute: it costs a fifth more (docs/performance.md)."""

W = TypeVar("W")
Outcome = IssuedToken | Exception
_Batch = Sequence[tuple[W, TimestampRequest]]
_Recorded = Callable[[Exception | None], None]


@dataclass(slots=True)
class _StreamLoad:
    """A stream with the number of batches and orders that it has."""

    stream: TimestampStream
    batches: int = 0
    orders: int = 0


class TokenRecorder:
    """For the loop that it was made in. The thread begins with the first tokens, so that no fork inherits it."""

    def __init__(self, spool: TimestampSpool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Sequence[IssuedToken], _Recorded]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def record(self, tokens: Sequence[IssuedToken], done: _Recorded) -> None:
        """Has *done* called in the loop with None once all *tokens* are on disk, or with what prevented it."""
        with self._changed:
            self._waiting.append((tokens, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Records what waits, then ends the thread and the spool's file."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        self._spool.close()

    def _work(self) -> None:
        while waiting := self._next():
            failure: Exception | None = None
            try:
                self._spool.append([token for tokens, _ in waiting for token in tokens])
            except Exception as error:  # reported to everybody who waits: no token is given out
                failure = error
            self._loop.call_soon_threadsafe(_report, waiting, failure)

    def _next(self) -> list[tuple[Sequence[IssuedToken], _Recorded]]:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            waiting, self._waiting = self._waiting, []
            return waiting


def _report(waiting: Sequence[tuple[Sequence[IssuedToken], _Recorded]], failure: Exception | None) -> None:
    for _, done in waiting:
        done(failure)


class TimestampPipeline(Generic[W]):
    """Everything happens in the loop, but for the recorder's writes."""

    def __init__(
        self,
        streams: Sequence[TimestampStream],
        recorder: TokenRecorder,
        deliver: Callable[[Sequence[tuple[W, Outcome]]], None],
    ) -> None:
        """*deliver* takes outcomes, each with its recipient; called in the loop."""
        self._streams = [_StreamLoad(stream) for stream in streams]
        self._recorder = recorder
        self._deliver = deliver
        self._waiting: deque[tuple[W, TimestampRequest]] = deque()
        self._under_way = 0
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, orders: Sequence[tuple[W, TimestampRequest]]) -> None:
        """Takes orders, each with the recipient of its outcome. Raises :class:`StorageError` when closed."""
        if self._closing:
            raise StorageError("The timestamp service is being shut down; try again in a moment.")
        self._under_way += len(orders)
        self._idle.clear()
        self._waiting.extend(orders)
        self._send()

    async def close(self) -> None:
        """Completes what waits, then closes streams and recorder."""
        self._closing = True
        await self._idle.wait()
        for running in self._streams:
            running.stream.close()
        await asyncio.to_thread(self._recorder.close)

    def _send(self) -> None:
        """Shares out what waits: to the stream that has least, and as much as makes all places equally full."""
        while self._waiting:
            running = min(self._streams, key=_fullness)
            places = sum(
                MAX_BATCHES_PER_STREAM - each.batches
                for each in self._streams
                if each.batches < MAX_BATCHES_PER_STREAM
            )
            if running.batches >= MAX_BATCHES_PER_STREAM or not places:
                return
            size = min(math.ceil(len(self._waiting) / places), LARGEST)
            self._sign(running, [self._waiting.popleft() for _ in range(size)])

    def _sign(self, running: _StreamLoad, batch: _Batch[W]) -> None:
        running.batches += 1
        running.orders += len(batch)
        running.stream.sign_orders(
            [order for _, order in batch], lambda signed: self._signed(running, batch, signed)
        )

    def _signed(self, running: _StreamLoad, batch: _Batch[W], signed: Signed) -> None:
        running.batches -= 1
        running.orders -= len(batch)
        if isinstance(signed, (BadRequest, RequestRefused)) and len(batch) > 1:
            # Strangers' orders travel together: one that is refused must not spoil the others.
            for each in batch:
                self._sign(running, [each])
        elif isinstance(signed, Exception):
            self._finish([(waiter, signed) for waiter, _ in batch])
        else:
            self._recorder.record(signed, lambda failure: self._recorded(batch, signed, failure))
        self._send()

    def _recorded(self, batch: _Batch[W], tokens: list[IssuedToken], failure: Exception | None) -> None:
        self._finish(
            [(waiter, failure or token) for (waiter, _), token in zip(batch, tokens, strict=True)],
        )

    def _finish(self, outcomes: Sequence[tuple[W, Outcome]]) -> None:
        self._under_way -= len(outcomes)
        if not self._under_way:
            self._idle.set()
        self._deliver(outcomes)


def _fullness(running: _StreamLoad) -> tuple[int, int]:
    return running.batches, running.orders
