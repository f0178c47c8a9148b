"""Timestamps for an event loop: a connection to the authority on which orders are sent before earlier ones are
answered (pipelined)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hsm import protocol
from hsm.errors import AuthorityError, AuthorityUnreachable, BadRequest
from hsm.timestamp import IssuedToken, TimestampRequest

Signed = list[IssuedToken] | Exception
Done = Callable[[Signed], None]


@dataclass(slots=True)
class _Frame:
    """A request on its way; ``again`` once it was sent a second time."""

    request: bytes
    orders: int
    done: Done
    again: bool = False


class TimestampStream(asyncio.Protocol):
    """For the loop that it was made in. The authority answers the frames of a connection one after the other: a
    frame that waits there is begun as soon as the one before it is answered."""

    def __init__(self, socket: Path, *, timeout: float) -> None:
        """*timeout* is how many seconds may pass without an answer while some are waited for."""
        self._path = socket
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._frames: deque[_Frame] = deque()
        self._received = bytearray()
        self._alarm: asyncio.TimerHandle | None = None
        self._answered = 0.0

    def sign_orders(self, orders: Sequence[TimestampRequest], done: Done) -> None:
        """Has *done* called, soon, with a token for each of *orders*, or with what prevented all of them.

        As with :meth:`hsm.client.AuthorityClient.timestamp`, a connection that turns out dead is opened again and
        its requests are sent once more.
        """
        request = protocol.request("timestamp", {"orders": [order.fields() for order in orders]})
        if not self._frames:
            self._answered = self._loop.time()
            self._set_alarm(self._timeout)
        self._frames.append(_Frame(request, len(orders), done))
        if self._transport is not None:
            self._transport.write(request)
        else:
            self._connect()

    def close(self) -> None:
        """Closes the connection; whoever still waits is told so."""
        if self._transport is not None:
            self._transport.close()
        if self._opening is not None:
            self._opening.cancel()
        self._fail(AuthorityUnreachable("The connection to the authority was closed."))

    # --- the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Everything that waits is sent."""
        self._transport = cast(asyncio.Transport, transport)
        self._opening = None
        self._received.clear()
        for frame in self._frames:
            self._transport.write(frame.request)

    def data_received(self, data: bytes) -> None:
        """Gives every whole answer to whom it belongs."""
        self._received += data
        try:
            while (body := protocol.take_frame(self._received)) is not None:
                self._answer(body)
        except (BadRequest, IndexError) as error:
            self._give_up(error)

    def connection_lost(self, _error: Exception | None) -> None:
        """What was begun and not answered is asked once more, on another connection."""
        self._transport = None
        broken_off = bool(self._received)
        lost, self._frames = self._frames, deque()
        failure = AuthorityUnreachable("The authority broke off without an answer; try again in a moment.")
        for number, frame in enumerate(lost):
            if frame.again or (broken_off and number == 0):
                frame.done(failure)
            else:
                frame.again = True
                self._frames.append(frame)
        if self._frames:
            self._connect()

    def _connect(self) -> None:
        """Never twice at once: a second connection would answer the same frames again, in another's place."""
        if self._opening is None:
            self._opening = self._loop.create_task(self._open())

    def _answer(self, body: bytes) -> None:
        frame = self._frames.popleft()
        self._answered = self._loop.time()
        result: Signed
        try:
            result = IssuedToken.for_orders(protocol.result(protocol.message(body)), frame.orders)
        except AuthorityError as refusal:
            result = refusal
        frame.done(result)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._loop.create_unix_connection(lambda: self, str(self._path))
        except OSError as error:
            self._opening = None  # before anybody is told: they may give us more at once
            self._fail(protocol.no_answer_at(self._path, error))

    def _set_alarm(self, seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(seconds, self._check_timeout)

    def _check_timeout(self) -> None:
        self._alarm = None
        if not self._frames:
            return
        left = self._answered + self._timeout - self._loop.time()
        if left > 0:
            self._set_alarm(left)
            return
        self._give_up(protocol.no_answer_within(self._timeout))

    def _give_up(self, error: Exception) -> None:
        """On this connection: what is given to us from now on goes over another one."""
        if self._transport is not None:
            self._transport.abort()
        self._received.clear()
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        lost, self._frames = self._frames, deque()
        for frame in lost:
            frame.done(error)
