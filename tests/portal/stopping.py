"""What ``test_stopping.py`` has gunicorn serve: an answer that takes as many seconds as its path says."""

from __future__ import annotations

import asyncio

from webui.portal.bridge import Message, Receive, Send


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """An ASGI application; ``/2`` is answered after two seconds, with what was posted."""
    if scope["type"] == "lifespan":
        for said in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{said}"
            await send({"type": f"lifespan.{said}.complete"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    length = str(len(body) + 1).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body + b"."})
