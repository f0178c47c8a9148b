"""The timestamp service, asked by a coroutine that waits."""

from __future__ import annotations

import asyncio

from appliance.timestamping import TimestampService


async def reply_of(service: TimestampService, request: bytes) -> bytes:
    """The DER reply of *service* to *request*."""
    promise: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    service.ask(request, lambda reply: None if promise.done() else promise.set_result(reply))
    return await promise
