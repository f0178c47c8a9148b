"""Frames between the pool and its children: 8-byte big-endian length, then that many bytes of CBOR."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

import cbor2

_LENGTH = struct.Struct(">Q")


class FrameError(Exception):
    """The peer closed early, announced too much, or sent what is not CBOR."""


def write(stream: socket.socket, value: Any) -> None:
    """Send *value*, blocking until the kernel has taken it all."""
    write_encoded(stream, cbor2.dumps(value))


def write_encoded(stream: socket.socket, payload: bytes) -> None:
    """Send CBOR that is already encoded."""
    stream.sendall(_LENGTH.pack(len(payload)))
    stream.sendall(payload)


def read(stream: socket.socket, *, limit: int, deadline: float | None = None) -> Any:
    """The next frame's value, of at most *limit* bytes, before *deadline* (``time.monotonic``).

    Raises FrameError for an early end, a frame over the limit, or bytes that are not CBOR; TimeoutError when late.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size, deadline))
    if length > limit:
        raise FrameError(f"a frame of {length} bytes where {limit} are allowed")
    payload = _exactly(stream, length, deadline)
    try:
        return cbor2.loads(payload)
    except (cbor2.CBORDecodeError, RecursionError, ValueError) as error:
        raise FrameError("not CBOR") from error


def _exactly(stream: socket.socket, size: int, deadline: float | None) -> bytearray:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        if deadline is not None:
            stream.settimeout(max(0.000_001, deadline - time.monotonic()))
        count = stream.recv_into(view)
        if count == 0:
            raise FrameError("the other side closed")
        view = view[count:]
    return received
