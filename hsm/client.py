"""The authority as the other processes see it: typed operations over one connection for each thread."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hsm import protocol
from hsm.checkpoint import LogExtension
from hsm.errors import AuthorityUnreachable
from hsm.interface import AuthorityInterface
from hsm.timestamp import IssuedToken, TimestampRequest
from hsm.timestamp_stream import TimestampStream


class _ThreadConnection:
    """A connected socket that closes itself when its thread has ended and nobody holds it any more."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.process = os.getpid()

    def __del__(self) -> None:
        self.socket.close()


class Connections:
    """A connection for each thread and process, opened when first needed. Thread-safe and safe after ``fork``."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._local = threading.local()

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The result of *operation*. Raises the authority's refusal, or :class:`AuthorityUnreachable`.

        A kept connection that turns out dead before any byte of a reply (the authority was restarted) is opened
        again and the request sent once more. That is safe: an intent's nonce is accepted once only.
        """
        request = protocol.request(operation, arguments)
        kept = self._kept()
        if kept is not None:
            try:
                return self._exchange(kept, request)
            except ConnectionError:
                self.close()
        return self._exchange_anew(request)

    def close(self) -> None:
        """Closes this thread's connection, if there is one."""
        self._local.line = None

    def _exchange_anew(self, request: bytes) -> Any:
        try:
            return self._exchange(self._opened(), request)
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
            raise AuthorityUnreachable(
                "The authority does not answer at {path} ({why}); see that its service runs.",
                path=self._path,
                why=error.strerror or error,
            ) from error
        self._local.line = _ThreadConnection(connection)
        return connection

    def _exchange(self, connection: socket.socket, request: bytes) -> Any:
        try:
            connection.sendall(request)
            return protocol.result(protocol.message(_read_frame(connection)))
        except TimeoutError as error:
            self.close()
            raise AuthorityUnreachable(
                "The authority did not answer within {seconds} s; try again later.", seconds=self._timeout
            ) from error


def _read_frame(connection: socket.socket) -> bytes:
    buffer = bytearray()
    while len(buffer) < protocol.HEADER:
        buffer += _received(connection, begun=bool(buffer))
    whole = protocol.HEADER + protocol.length(buffer)
    while len(buffer) < whole:
        buffer += _received(connection, begun=True)
    return bytes(memoryview(buffer)[protocol.HEADER :])


def _received(connection: socket.socket, *, begun: bool) -> bytes:
    chunk = connection.recv(262144)
    if chunk:
        return chunk
    if begun:
        raise AuthorityUnreachable("The authority broke off in the middle of an answer; see its log.")
    raise ConnectionResetError


class AuthorityClient(AuthorityInterface):
    """The operations through one of the sockets; which are permitted depends on the socket. Thread-safe.

    Its methods are those of :class:`hsm.interface.AuthorityInterface`; *timeout* is in seconds.
    """

    def __init__(self, socket: Path, *, timeout: float = 10.0) -> None:
        self._socket, self._timeout = socket, timeout
        self._connections = Connections(socket, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the calling thread's connection; the next call opens one again."""
        self._connections.close()

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The plain answer of the authority to one request."""
        return self._connections.ask(operation, arguments)

    def timestamp(self, orders: Sequence[TimestampRequest]) -> list[IssuedToken]:
        """One token for each order, in order, all at the authority's own time."""
        return IssuedToken.for_orders(self.timestamp_fields([each.fields() for each in orders]), len(orders))

    def timestamp_stream(self) -> TimestampStream:
        """For the running event loop: a connection of its own for timestamps alone."""
        return TimestampStream(self._socket, timeout=self._timeout)

    def checkpoint(self, extension: LogExtension) -> bytes:
        """The signed note (C2SP tlog-checkpoint) of the log after *extension*, which begins where the checkpoint
        signed last ends. Repeated, it gives the same again."""
        return self.extend_log(extension.start, list(extension.frontier), list(extension.leaves), extension.root)
