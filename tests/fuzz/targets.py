"""What is fuzzed in process: each target takes any bytes and fails when what reads them does wrong.

The readers may refuse in their own words (``Malformed``, ``RequestRefused``, ``BadRequest``); any other exception,
a disagreement with the second opinion, or an answer of 5xx is a find.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import cache
from typing import Any

from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import NoMoreData, ParseException

from hsm import cms, protocol
from hsm.client import OPERATIONS
from hsm.config import PeerRole
from hsm.errors import BadRequest, CertificateRefused, Malformed
from hsm.timestamp import (
    RequestRefused,
    TimestampRequest,
    build_request,
    parse_request,
    parse_response,
    verify_token,
)
from hsm.worker import Channel
from tests.conformance import oracle
from tests.conformance.requests import POLICY
from webui.tsa.connection import TimestampConnection


def request(data: bytes) -> None:
    """The reader of timestamp requests, against the second opinion; what is read encodes to the same bytes."""
    verdict = oracle.judge(data)
    try:
        order = parse_request(data, policies={POLICY})
    except RequestRefused as refusal:
        assert int(refusal.fail_info) in verdict.faults, (refusal.fail_info, verdict)
        return
    assert not verdict.faults, verdict
    assert build_request(order) == data
    assert TimestampRequest.from_fields(order.fields()) == order


def reply(data: bytes) -> None:
    """The reader of replies and tokens, which come from anywhere."""
    try:
        verify_token(parse_response(data))
    except (Malformed, RequestRefused, CertificateRefused, cms.SignatureRefused):
        return
    raise AssertionError("a token with a good signature was made out of nothing")


def frames(data: bytes) -> None:
    """The authority's socket: frames, the CBOR in them, and the acts and orders in that."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours, PeerRole.TSA)
    with theirs:
        try:
            theirs.sendall(data[:65536])
            channel.read_available()
            while (body := channel.next_frame()) is not None:
                _message(protocol.message(body))
        except (BadRequest, ConnectionError):
            return
        finally:
            channel.close()


def _message(message: dict[str, Any]) -> None:
    """As the worker reads it: by the operation that it names, and each timestamp order."""
    name, arguments = message.get("op"), message.get("args")
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None or not isinstance(arguments, dict):
        return
    try:
        decoded = operation.decode(arguments)
        if operation is OPERATIONS["timestamp"]:
            for order in decoded["orders"]:
                TimestampRequest.from_fields(order)
    except BadRequest:
        return


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def connection(data: bytes) -> None:
    """The HTTP edge of the timestamp process: llhttp, and our connection over it."""

    def ask(_request: bytes, deliver: Callable[[bytes], None]) -> None:
        deliver(b"\x30\x00")

    present: dict[TimestampConnection, None] = {}
    _require_no_fault(_loop(), lambda: TimestampConnection(ask, present), data)
    assert not present, "a connection that is over is still counted"


def portal(data: bytes) -> None:
    """The portal's HTTP edge: gunicorn's reader as we run it. It refuses in its own words, which are the client's
    fault (``ParseException``), or ends where the bytes do."""
    settings = Config()
    settings.set("limit_request_line", 4094)
    settings.set("limit_request_fields", 64)
    try:
        for each in RequestParser(settings, iter([data[:65536]]), ("127.0.0.1", 5000)):
            each.body.read(65536)
    except (ParseException, NoMoreData, StopIteration):
        return


def _require_no_fault(
    loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.BaseProtocol], data: bytes
) -> None:
    answer = loop.run_until_complete(_exchange(loop, protocol, data))
    if answer:
        assert int(answer.split(b" ", 2)[1]) < 500, answer[:200]


async def _exchange(
    loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.BaseProtocol], data: bytes
) -> bytes:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    transport, _ = await loop.connect_accepted_socket(protocol, ours)
    answer = b""
    with theirs:
        try:
            await loop.sock_sendall(theirs, data[:65536])
            theirs.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(10):
                while piece := await loop.sock_recv(theirs, 65536):
                    answer += piece
        except ConnectionError:
            pass
    while not transport.is_closing():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return answer


TARGETS: dict[str, Callable[[bytes], None]] = {
    "request": request,
    "reply": reply,
    "frames": frames,
    "connection": connection,
    "portal": portal,
}
