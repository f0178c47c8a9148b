"""The process ``vermilion-tsa``: gunicorn starts, watches and replaces the worker; its connections are our own.

Gunicorn's own event-loop worker speaks all of HTTP and ASGI in Python, and that was most of what a timestamp cost
(docs/decisions/0008-event-loop-for-timestamps.md).
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from appliance.errors import ApplianceError
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from appliance.logs import set_up_logging_at
from appliance.timestamping import ClearanceReader, RefusalCounts, TimestampService
from hsm.client import AuthorityClient
from webui.tsa.connection import TimestampConnection
from webui.tsa.gunicorn import manager
from webui.tsa.http_answers import MOST_SILENT

_TICK = 1.0
"""Seconds between signs of life for gunicorn, and between looks at who has been silent for too long."""

_TIDYING = 60
"""Ticks between two looks at which files of the spool the log has."""

_OTHER_FILES = 192
"""Descriptors that are not clients': the spool, the authority's sockets, logs; a hundred just accepted."""


def create() -> Callable[[], TimestampService]:
    """What opens the service of the home that the environment names; to be called in the serving loop."""
    home = Home.of(os.environ)
    set_up_logging_at(home, "vermilion-tsa")
    return lambda: _service(home)


def _service(home: Home) -> TimestampService:
    return TimestampService(
        home.timestamp_spool,
        AuthorityClient(home.authority_socket("tsa")),
        clearance=ClearanceReader(home.clearance).current,
        refusals=RefusalCounts(home.tsa_pulses),
    )


class TimestampWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """Serves on gunicorn's sockets until it is told to end; what has been asked by then is answered."""

    def init_process(self) -> None:
        """In the child, before anything is loaded."""
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._present: dict[TimestampConnection, None] = {}
        self._pulses = Heartbeats(Home.of(os.environ).tsa_pulses)
        super().init_process()

    def init_signals(self) -> None:
        """Signals only wake the loop: nothing is broken off in the middle."""
        for each in self.SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT):
            self.loop.add_signal_handler(each, self._stop)
        self.loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)
        self.loop.add_signal_handler(signal.SIGWINCH, lambda: None)

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()

    async def _serve(self) -> None:
        try:
            service: TimestampService = self.wsgi()
        except ApplianceError as refusal:
            self.log.error("The timestamp service cannot start: %s", refusal)
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from refusal
        most = min(self.cfg.worker_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES)

        def connected() -> TimestampConnection:
            self._make_room(most)
            return TimestampConnection(service.ask, self._present)

        servers = [await self.loop.create_server(connected, sock=each.sock) for each in self.sockets]
        manager.ready()
        ticks = 0
        while self.alive and self.ppid == os.getppid():  # without gunicorn's own process nobody would replace us
            self.notify()
            self._drop_silent()
            if ticks % _TIDYING == 0:
                await self._tidy(service)
            ticks += 1
            await asyncio.sleep(_TICK)
        for server in servers:
            server.close()
        await self._finish()
        await service.close()

    async def _tidy(self, service: TimestampService) -> None:
        """A spool that keeps what the log has only takes room; what is wrong with it, writing reports."""
        try:
            await service.tidy()
        except (ApplianceError, OSError) as error:
            self.log.warning("The spool could not be tidied: %s", error)

    def notify(self) -> None:
        """The loop turns: a sign of life for gunicorn, and one for the health monitor."""
        super().notify()
        self._pulses.show("tsa")

    def _stop(self) -> None:
        self.alive = False

    def _make_room(self, most: int) -> None:
        """When there are too many connections, drops the one that has been idle longest."""
        if len(self._present) >= most:
            idle = next((each for each in self._present if not each.busy), None)
            if idle is not None:
                idle.drop()

    def _drop_silent(self) -> None:
        latest = self.loop.time() - MOST_SILENT
        for each in [each for each in self._present if each.silent_since < latest and not each.busy]:
            each.drop()

    async def _finish(self) -> None:
        for each in list(self._present):
            each.close_when_idle()
        deadline = self.loop.time() + self.cfg.graceful_timeout
        while any(each.busy for each in self._present) and self.loop.time() < deadline:
            self.notify()
            await asyncio.sleep(0.02)
