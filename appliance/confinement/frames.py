"""Frames between the pool and its children: 8-byte big-endian length, then that many bytes of CBOR."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

import cbor2

from hsm.errors import Malformed
from hsm.protocol import decode_cbor

_LENGTH = struct.Struct(">Q")
NUMBER_SIZE = 4
"""Octets of a process id, big-endian, when a child is handed over."""
_MOST_VALUES, _MOST_DEPTH = 1 << 20, 64
"""What is said of thousands of pages is far less; decoding more would cost the reader memory and time."""


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
        return decode_cbor(payload, most_values=_MOST_VALUES, most_depth=_MOST_DEPTH)
    except Malformed as error:
        raise FrameError(str(error)) from error


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
