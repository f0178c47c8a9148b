"""Gunicorn's event-loop worker with two things changed: what a client sent is never a fault of the server, and
connections on which nothing is asked do not hold up its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from appliance.home import Home
from appliance.pulses import Pulses

LINGER = 0.5
"""Seconds in which an idle connection may still bring what its client had sent when the end began: it is answered,
with ``Connection: close`` (RFC 9112, 9.6)."""

_TICK = 0.05


class Connection(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """Answers an unknown transfer coding with 400: gunicorn says 501 (RFC 9112, 6.1, which only recommends it).

    Knows besides whether it is idle: nothing of a request has arrived, and none is being answered.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counted from now on."""
        super().connection_made(transport)
        self.worker.present.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counted no more."""
        self.worker.present.discard(self)
        super().connection_lost(exc)

    def part_if_idle(self) -> None:
        """Closes a connection on which nothing is asked. One with a request that has begun to arrive, or whose
        answer is on its way, stays; its answer is the last."""
        if self._awaiting_request and not self._begun and not self._finishing_calls:
            self._close_transport()
            self._request_ready.set()  # as where gunicorn's own patience with an idle connection ends

    def _feed_callback_parser(self, data: bytes) -> bool:
        # Gunicorn gives the beginning of a next request, which came with the one before, to its parser again.
        self._begun = True
        return bool(super()._feed_callback_parser(data))

    def _on_message_complete(self) -> None:
        self._begun = False
        super()._on_message_complete()

    def _send_error_response(
        self, status: int, message: str, extra_headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super()._send_error_response(400 if status == 501 else status, message, extra_headers)


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """The worker that ``webui/portal/gunicorn.py`` names; the timestamp process has its own."""

    def init_process(self) -> None:
        """In the child, before anything is loaded."""
        self._pulses = Pulses(Home.of(os.environ).pulses)
        self.present: set[Connection] = set()
        super().init_process()

    def notify(self) -> None:
        """The loop turns: a sign of life for gunicorn, and one for the watch."""
        super().notify()
        self._pulses.show("web")

    async def _shutdown(self) -> None:
        # Gunicorn waits as long for an open connection as for a request (graceful_timeout): those that nginx and
        # browsers keep for later would hold up each stop by all of that.
        for server in self.servers:
            server.close()
        parting = self.loop.create_task(self._part_with_idle())
        await super()._shutdown()
        parting.cancel()

    async def _part_with_idle(self) -> None:
        await asyncio.sleep(LINGER)
        while True:
            for each in list(self.present):
                each.part_if_idle()
            await asyncio.sleep(_TICK)


gasgi.ASGIProtocol = Connection
