"""The timestamp service as an ASGI application: connections that only wait cost no thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from appliance.errors import ApplianceError
from appliance.timestamping import LoopTimestampService
from webui.tsa.rules import LARGEST_BODY, MOST_DRAINED, Answer, granted, refusal, too_large

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Service = Callable[[], LoopTimestampService]


class AsgiTimestamps:
    """An ASGI callable (ASGI 3.0) that answers every path alike.

    *open_service* is called in the serving loop at its start; when it refuses, the server does not start.
    """

    def __init__(self, open_service: Service) -> None:
        self._open = open_service
        self._service: LoopTimestampService | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self.serve(scope, receive, send)

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, one reply; the body is read to its end in every case."""
        refused = refusal(scope["method"], _content_type(scope))
        body = await _read(receive)
        if body is None:
            return
        if refused is not None:
            await _send(send, refused, with_body=scope["method"] != "HEAD")
        elif len(body) > LARGEST_BODY:
            await _send(send, too_large())
        else:
            await _send(send, granted(await self._running().reply(body)))

    def _running(self) -> LoopTimestampService:
        if self._service is None:
            self._service = self._open()
        return self._service

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            service = self._running()
        except ApplianceError as refusal:
            await send({"type": "lifespan.startup.failed", "message": str(refusal)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await service.close()
        await send({"type": "lifespan.shutdown.complete"})


def _content_type(scope: Message) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), None)


async def _read(receive: Receive) -> bytes | None:
    """The body, cut where it is seen to be too large, but read on; None when the client has gone."""
    kept = bytearray()
    read = 0
    while read <= MOST_DRAINED:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        read += len(piece)
        if len(kept) <= LARGEST_BODY:
            kept += piece
        if not message.get("more_body", False):
            break
    return bytes(kept)


async def _send(send: Send, answer: Answer, *, with_body: bool = True) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
