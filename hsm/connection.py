"""One thread's connection to the authority: frames out and in, with a time limit and one reconnection."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

from hsm import protocol
from hsm.errors import AuthorityUnreachable


class _Line:
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
        line: _Line | None = getattr(self._local, "line", None)
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
        self._local.line = _Line(connection)
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
