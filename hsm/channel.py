"""Peers' connections inside a worker: frames in and out, whose turn it is, and how much is held for each role.

A peer that sends and does not read, or never finishes a request, costs its own role some megabytes and some
seconds, and the others nothing. A crowd on one socket makes those on another wait for one frame, not for the
crowd.
"""

from __future__ import annotations

import socket
import time
from collections import deque

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
        self.last_moved = time.monotonic()
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
        self.last_moved = time.monotonic()
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
            self.last_moved = time.monotonic()
            del self._outgoing[:sent]
        if self._closing:
            raise ConnectionAbortedError

    @property
    def has_unsent(self) -> bool:
        """Whether replies wait for the peer to read."""
        return bool(self._outgoing)

    @property
    def buffered(self) -> int:
        """Bytes that are kept for the peer: of replies unread, and of requests not answered yet."""
        return len(self._incoming) + len(self._outgoing)

    def close(self) -> None:
        """Closes the socket."""
        self.socket.close()


MOST_HELD = 32 * 1024 * 1024
"""Bytes held for all connections of one role in one worker: more than the largest request and reply by far."""
PATIENCE = 10.0
"""Seconds without a byte from or to a peer that has something unfinished; a client gives up as soon."""


class Budget:
    """The channels for which something is held, by role. Not thread-safe."""

    def __init__(self, *, most: int = MOST_HELD) -> None:
        self._most = most
        self._holding: dict[PeerRole, set[Channel]] = {role: set() for role in PeerRole}

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return any(self._holding.values())

    def note(self, channel: Channel) -> list[Channel]:
        """*channel* holds more or less than before; the channels to be closed so that its role keeps its budget:
        those that have stood still for longest."""
        holding = self._holding[channel.role]
        if not channel.buffered:
            holding.discard(channel)
            return []
        holding.add(channel)
        over = sum(each.buffered for each in holding) - self._most
        ended: list[Channel] = []
        if over > 0:
            for each in sorted(holding, key=lambda one: one.last_moved):
                if over <= 0:
                    break
                ended.append(each)
                over -= each.buffered
        return ended

    def forget(self, channel: Channel) -> None:
        """*channel* is closed."""
        self._holding[channel.role].discard(channel)

    def overdue(self, now: float) -> list[Channel]:
        """The channels whose peers have stood still for too long (*now* is monotonic seconds)."""
        return [each for holding in self._holding.values() for each in holding if now - each.last_moved > PATIENCE]


class RoundRobin:
    """The channels that may have a frame to be answered. Not thread-safe."""

    def __init__(self) -> None:
        self._queues: dict[PeerRole, deque[Channel]] = {role: deque() for role in PeerRole}

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return any(self._queues.values())

    def add(self, channel: Channel) -> None:
        """Puts *channel* at the end of its role's queue, unless it is in it."""
        queue = self._queues[channel.role]
        if channel not in queue:
            queue.append(channel)

    def next(self) -> Channel | None:
        """The next channel, which leaves its queue; its role is then the last in the rotation."""
        for role, queue in self._queues.items():
            if queue:
                self._queues[role] = self._queues.pop(role)
                return queue.popleft()
        return None
