"""Many requests at a time on a few kept connections, each answer beside its request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PATIENCE = 60.0
"""Seconds for one answer; whoever waits longer has met a hang."""
_HEAD = (
    b"POST /tsa HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``kind`` is the media type."""

    status: int
    kind: bytes
    body: bytes


Heard = Callable[[bytes, Answer], None]


def flood(port: int, requests: Iterator[bytes], heard: Heard, *, connections: int = 16) -> None:
    """Sends all *requests* and tells each with its answer. Raises what a connection met; nothing is retried."""
    asyncio.run(_flood(port, requests, heard, connections))


async def _flood(port: int, requests: Iterator[bytes], heard: Heard, connections: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_keep_asking(port, requests, heard))


async def _keep_asking(port: int, requests: Iterator[bytes], heard: Heard) -> None:
    """One connection; the requests are shared with the others."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            writer.write(_HEAD % len(request) + request)
            async with asyncio.timeout(PATIENCE):
                answer = await _answer(reader)
            heard(request, answer)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers[b"content-length"]))
    return Answer(int(head[0].split()[1]), headers[b"content-type"], body)
