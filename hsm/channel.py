"""One peer's connection inside a worker: bytes in until a frame is whole, replies out as fast as they are read."""

from __future__ import annotations

import socket
import time

from hsm import protocol
from hsm.config import PeerRole
from hsm.errors import BadRequest

_CHUNK = 65536


class Channel:
    """Never blocks. A hostile frame ends the connection after one sentence why.

    A peer that does not read gets no further: while a reply is unsent, nothing is read and no frame is taken.
    """

    def __init__(self, connection: socket.socket, role: PeerRole) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.role = role
        self.moved = time.monotonic()
        """When the peer last sent or read something (monotonic seconds)."""
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._closing = False

    def read_available(self) -> None:
        """Takes what has arrived, unless enough waits already. Raises ConnectionError when the peer has left."""
        if self._outgoing or len(self._incoming) >= protocol.HEADER + protocol.REQUEST_LIMIT:
            return
        try:
            chunk = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            raise ConnectionResetError
        self.moved = time.monotonic()
        self._incoming += chunk

    def next_frame(self) -> bytes | None:
        """The body of the next whole frame, or None. Raises :class:`BadRequest` for one that is too long."""
        if self._outgoing or len(self._incoming) < protocol.HEADER:
            return None
        end = protocol.HEADER + protocol.length(self._incoming, limit=protocol.REQUEST_LIMIT)
        if len(self._incoming) < end:
            return None
        body = bytes(memoryview(self._incoming)[protocol.HEADER : end])
        del self._incoming[:end]
        return body

    def reply(self, frame: bytes) -> None:
        """Sends *frame*, now as far as possible. Raises ConnectionError when the peer has left."""
        self._outgoing += frame
        self.flush()

    def refuse(self, error: BadRequest) -> None:
        """Says why, and takes nothing more from this peer."""
        self._closing = True
        self._incoming.clear()
        self.reply(protocol.frame(protocol.refusal(error)))

    def flush(self) -> None:
        """Sends what is waiting. Raises ConnectionError when the peer has left, or has been told why it must."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing)
            except BlockingIOError:
                return
            self.moved = time.monotonic()
            del self._outgoing[:sent]
        if self._closing:
            raise ConnectionAbortedError

    @property
    def has_unsent(self) -> bool:
        """Whether replies wait for the peer to read."""
        return bool(self._outgoing)

    @property
    def held(self) -> int:
        """Bytes that are kept for the peer: of replies unread, and of requests not answered yet."""
        return len(self._incoming) + len(self._outgoing)

    def close(self) -> None:
        """Closes the socket."""
        self.socket.close()
