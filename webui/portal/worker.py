"""Gunicorn's event-loop worker with one answer changed: what a client sent is never a fault of the server."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from appliance.home import Home
from appliance.pulses import Pulses


class ClientsFault(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """Answers an unknown transfer coding with 400: gunicorn says 501 (RFC 9112, 6.1, which only recommends it)."""

    def _send_error_response(
        self, status: int, message: str, extra_headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super()._send_error_response(400 if status == 501 else status, message, extra_headers)


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """The worker that ``webui/portal/gunicorn.py`` names; the timestamp process has its own."""

    def init_process(self) -> None:
        """In the child, before anything is loaded."""
        self._pulses = Pulses(Home.of(os.environ).pulses)
        super().init_process()

    def notify(self) -> None:
        """The loop turns: a sign of life for gunicorn, and one for the watch."""
        super().notify()
        self._pulses.show("web")


gasgi.ASGIProtocol = ClientsFault
