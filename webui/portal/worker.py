"""Gunicorn's event-loop worker with one answer changed: what a client sent is never a fault of the server."""

from __future__ import annotations

from collections.abc import Sequence

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi


class ClientsFault(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """Answers an unknown transfer coding with 400: gunicorn says 501 (RFC 9112, 6.1, which only recommends it)."""

    def _send_error_response(
        self, status: int, message: str, extra_headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super()._send_error_response(400 if status == 501 else status, message, extra_headers)


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """The worker that ``webui/portal/gunicorn.py`` names; the timestamp process has its own."""


gasgi.ASGIProtocol = ClientsFault
