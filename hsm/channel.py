"""One peer's connection inside a worker: bytes in until a frame is whole, replies out as fast as they are read."""

from __future__ import annotations

import socket

from hsm import protocol
from hsm.config import Role
from hsm.errors import BadRequest

_CHUNK = 65536
_MOST_UNREAD = 2 * protocol.LIMIT
"""Bytes of replies that a peer may leave unread before its connection is cut."""


class Channel:
    """Never blocks. A hostile frame ends the connection after one sentence why."""

    def __init__(self, connection: socket.socket, role: Role) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.role = role
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._closing = False

    def read(self) -> None:
        """Takes what has arrived, unless enough waits already. Raises ConnectionError when the peer has left."""
        if len(self._incoming) >= protocol.HEADER + protocol.REQUEST_LIMIT:
            return
        try:
            chunk = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            raise ConnectionResetError
        if not self._closing:
            self._incoming += chunk

    def next_frame(self) -> bytes | None:
        """The body of the next whole frame, or None. Raises :class:`BadRequest` for one that is too long."""
        if self._closing or len(self._incoming) < protocol.HEADER:
            return None
        end = protocol.HEADER + protocol.length(self._incoming, limit=protocol.REQUEST_LIMIT)
        if len(self._incoming) < end:
            return None
        body = bytes(memoryview(self._incoming)[protocol.HEADER : end])
        del self._incoming[:end]
        return body

    def reply(self, frame: bytes) -> None:
        """Sends *frame*, now as far as possible. Raises ConnectionError when the peer has left or never reads."""
        self._outgoing += frame
        self.flush()
        if len(self._outgoing) > _MOST_UNREAD:
            raise ConnectionAbortedError

    def refuse(self, error: BadRequest) -> None:
        """Says why, and takes nothing more from this peer."""
        self._closing = True
        self.reply(protocol.frame(protocol.refusal(error)))

    def flush(self) -> None:
        """Sends what is waiting. Raises ConnectionError when the peer has left, or has been told why it must."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing)
            except BlockingIOError:
                return
            del self._outgoing[:sent]
        if self._closing:
            raise ConnectionAbortedError

    @property
    def has_unsent(self) -> bool:
        """Whether replies wait for the peer to read."""
        return bool(self._outgoing)

    def close(self) -> None:
        """Closes the socket."""
        self.socket.close()
