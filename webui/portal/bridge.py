"""Flask behind an event loop: connections that only wait cost no thread, requests that have arrived get one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from webui.portal.environment import environment_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

IN_MEMORY = 1024 * 1024
"""Bytes of a body that stay in memory while it arrives; more goes to a file without a name."""


@dataclass(slots=True)
class _Answer:
    """What the WSGI application gave."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Bridge:
    """An ASGI callable for one WSGI application. A body is read whole before the application sees the request.

    *room* gives, for a method and a path, the most that is kept of a body: the application is given one byte more
    than that to refuse.
    """

    def __init__(self, application: WSGIApplication, *, threads: int, room: Callable[[str, str], int]) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._room = room

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, one reply."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            length = await self._read(receive, body, self._room(scope["method"], scope["path"]))
            if length is None:
                return
            environ = environment_of(scope, body, length)
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._run, environ)
        head = scope["method"] == "HEAD"
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if head else answer.body})

    async def _read(self, receive: Receive, body: IO[bytes], most: int) -> int | None:
        """Keeps the body; its length, or None when the client has gone. What is too much is read and dropped."""
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            body.write(piece[: max(0, most + 1 - length)])
            length += len(piece)
            if not message.get("more_body", False):
                break
        body.seek(0)
        return min(length, most + 1)

    def _run(self, environ: dict[str, Any]) -> _Answer:
        answer = _Answer()

        def start_response(status: str, headers: list[tuple[str, str]], problem: object = None) -> Any:
            answer.status = int(status.split(" ", 1)[0])
            answer.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            return lambda data: None

        result: Iterable[bytes] = self._application(environ, start_response)
        try:
            answer.body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return answer


def is_path(scope: Message, path: str) -> bool:
    """Whether the request is for exactly *path*, however it was written."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return unquote_to_bytes(raw.partition(b"?")[0]) == path.encode()
