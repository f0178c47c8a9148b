"""The authority's socket: frames, the CBOR in them, and a caller's connections.

A frame is four bytes of length, big-endian, then CBOR (RFC 8949). A request is ``{"op": name, "args": {...}}``; a
reply is ``{"ok": value}`` or ``{"error": {"code", "template", "values"}}``.

Peers may be hostile: only plain values are read, each with one meaning, and not too many. A byte of CBOR can stand
for an object of a hundred bytes, so a length alone bounds neither memory nor time: what is large is counted before
it is decoded.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

import cbor2

from hsm.errors import AuthorityError, AuthorityUnreachable, BadRequest, Malformed, error_class

_ALWAYS_FEW = 64 * 1024
"""Bytes that cannot hold enough values to hurt."""
_BYTES, _TEXT = 2, 3
_REFUSED_TAGS = (*range(2), *range(4, 64), 100, 258, 260, 261, 1004, 43000, 55799)


def decode_cbor(data: bytes | bytearray, *, most_values: int, most_depth: int) -> Any:
    """The one value that *data* encodes. Raises :class:`Malformed` for anything else.

    No tag beyond bignums, no indefinite lengths, no repeated keys, nothing after the value; nested at most
    *most_depth* deep, and of at most *most_values* values in all when it is long.
    """
    if len(data) > _ALWAYS_FEW:
        _require_few(data, most_values)
    stream = io.BytesIO(data)
    try:
        value = cbor2.CBORDecoder(
            stream,
            tag_hook=_refuse_tag,
            semantic_decoders=_TAGS,
            max_depth=most_depth,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        ).decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        raise Malformed("This is not the CBOR that it should be.") from error
    if stream.tell() != len(data):
        raise Malformed("Bytes follow the CBOR value; there must be none.")
    return value


def _require_few(data: bytes | bytearray, most: int) -> None:
    """Counts heads (RFC 8949, 3): what a container holds follows it, so one pass sees every value."""
    position, values, end = 0, 0, len(data)
    while position < end:
        values += 1
        if values > most:
            raise Malformed("This CBOR has more than {most} values.", most=most)
        kind, argument = data[position] >> 5, data[position] & 0x1F
        position += 1
        if 24 <= argument <= 27:
            width = 1 << (argument - 24)
            argument = int.from_bytes(data[position : position + width], "big")
            position += width
        if kind in (_BYTES, _TEXT):
            position += argument


def _refuse_tag(_decoder: Any, *_details: Any) -> NoReturn:
    raise Malformed("This CBOR uses a tag that has no place here.")


_TAGS = dict.fromkeys(_REFUSED_TAGS, _refuse_tag)


# --- frames

LIMIT = 4 * 1024 * 1024
"""Bytes of CBOR in one frame, at most."""
REQUEST_LIMIT = 1024 * 1024
"""Bytes of CBOR in a request, at most: the authority holds what has arrived of it for every peer."""

_LENGTH = struct.Struct(">I")
HEADER = _LENGTH.size
_DEPTH = 16
_MOST_VALUES = 65_536


def frame(message: Mapping[str, Any]) -> bytes:
    """*message* as one frame. Raises :class:`BadRequest` when it is larger than :data:`LIMIT`."""
    body = cbor2.dumps(message)
    if len(body) > LIMIT:
        raise BadRequest("A frame of {size} bytes is over the limit of {limit}.", size=len(body), limit=LIMIT)
    return _LENGTH.pack(len(body)) + body


def length(header: bytes | bytearray, *, limit: int = LIMIT) -> int:
    """The number of bytes that follow a frame's first four. Raises :class:`BadRequest` when over the *limit*."""
    size: int = _LENGTH.unpack_from(header)[0]
    if size > limit:
        raise BadRequest("A frame of {size} bytes is over the limit of {limit}.", size=size, limit=limit)
    return size


def take_frame(buffer: bytearray, *, limit: int = LIMIT) -> bytes | None:
    """Removes the first frame from *buffer* and returns its body; None while it is not complete. Raises as
    :func:`length`."""
    if len(buffer) < HEADER:
        return None
    end = HEADER + length(buffer, limit=limit)
    if len(buffer) < end:
        return None
    body = bytes(memoryview(buffer)[HEADER:end])
    del buffer[:end]
    return body


def message(body: bytes) -> dict[str, Any]:
    """The map in a frame's *body*. Raises :class:`BadRequest` for any other value."""
    try:
        value = decode_cbor(body, most_values=_MOST_VALUES, most_depth=_DEPTH)
    except Malformed as error:
        raise BadRequest("This frame is not the CBOR that it should be.") from error
    if not isinstance(value, dict):
        raise BadRequest("A frame must be one map and nothing after it.")
    return value


def request(operation: str, arguments: Mapping[str, Any]) -> bytes:
    return frame({"op": operation, "args": arguments})


def refusal(error: AuthorityError) -> dict[str, Any]:
    """The reply that carries *error*; its values cross as text or integers."""
    return {"error": {"code": error.code, "template": error.template, "values": error.plain_values()}}


def result(reply: Mapping[str, Any]) -> Any:
    """The result in a reply. Raises the error in it, as the class that the authority raised."""
    if "ok" in reply:
        return reply["ok"]
    error = reply.get("error")
    if not isinstance(error, dict):
        raise BadRequest("The authority's reply is neither a result nor a refusal.")
    values = {str(name): value for name, value in dict(error.get("values", {})).items()}
    raise error_class(str(error.get("code")))(str(error.get("template")), **values)


# --- a caller's connections


def no_answer_at(path: Path, error: OSError) -> AuthorityUnreachable:
    """The error when no connection to *path* is possible."""
    return AuthorityUnreachable(
        "The authority does not answer at {path} ({why}); see that its service runs.",
        path=path,
        why=error.strerror or error,
    )


def no_answer_within(seconds: float) -> AuthorityUnreachable:
    """The error when no answer came in time."""
    return AuthorityUnreachable(
        "The authority did not answer within {seconds} s; try again later.", seconds=seconds
    )


class _ThreadConnection:
    """A connected socket that closes itself when its thread has ended and nobody holds it any more."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.process = os.getpid()

    def __del__(self) -> None:
        self.socket.close()


class Connections:
    """A connection for each thread and process, opened when first needed. Thread-safe and safe after ``fork``."""

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        """*path* is the socket's, *timeout* in seconds."""
        self._path = path
        self._timeout = timeout
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The result of *operation*. Raises the authority's refusal, or :class:`AuthorityUnreachable`.

        A kept connection that turns out dead before any byte of a reply (the authority was restarted) is opened
        again and the request sent once more. That is safe: an intent's nonce is accepted once only.
        """
        asked = request(operation, arguments)
        kept = self._kept()
        if kept is not None:
            try:
                return self._exchange(kept, asked)
            except ConnectionError:
                self.close()
        return self._exchange_anew(asked)

    def close(self) -> None:
        """Closes the calling thread's connection; the next call opens one again."""
        self._local.line = None

    def _exchange_anew(self, asked: bytes) -> Any:
        try:
            return self._exchange(self._opened(), asked)
        except ConnectionError as error:
            self.close()
            raise AuthorityUnreachable(
                "The authority closed the connection without an answer; try again in a moment."
            ) from error

    def _kept(self) -> socket.socket | None:
        line: _ThreadConnection | None = getattr(self._local, "line", None)
        return line.socket if line is not None and line.process == os.getpid() else None

    def _opened(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise no_answer_at(self._path, error) from error
        self._local.line = _ThreadConnection(connection)
        return connection

    def _exchange(self, connection: socket.socket, asked: bytes) -> Any:
        try:
            connection.sendall(asked)
            return result(message(_read_frame(connection)))
        except TimeoutError as error:
            self.close()
            raise no_answer_within(self._timeout) from error


def _read_frame(connection: socket.socket) -> bytes:
    buffer = bytearray()
    while (body := take_frame(buffer)) is None:
        chunk = connection.recv(262144)
        if not chunk and buffer:
            raise AuthorityUnreachable("The authority broke off in the middle of an answer; see its log.")
        if not chunk:
            raise ConnectionResetError
        buffer += chunk
    return body
