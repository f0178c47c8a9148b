"""One worker: a single-threaded process with PKCS#11 for itself; many connections, one loop.

A peer that sends and does not read, or never finishes a request, costs its own role some megabytes and some
seconds, and the others nothing. However many peers use one socket, those of another wait for one frame of theirs,
not for all.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import deque
from contextlib import suppress

from hsm import protocol, worker_messages
from hsm.config import PeerRole
from hsm.errors import AuthorityError, BadRequest
from hsm.operations import Operations
from hsm.worker_messages import Heartbeat, PinChange

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
        return None if self._outgoing else protocol.take_frame(self._incoming, limit=protocol.REQUEST_LIMIT)

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
        self.socket.close()


MOST_HELD = 32 * 1024 * 1024
"""Bytes held for all connections of one role in one worker: more than the largest request and reply by far."""
PATIENCE = 10.0
"""Seconds without a byte from or to a peer that has something unfinished; a client gives up as soon."""


class Budget:
    """The channels for which something is held, by role. Not thread-safe."""

    def __init__(self) -> None:
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
        over = sum(each.buffered for each in holding) - MOST_HELD
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


_log = logging.getLogger(__name__)
_MOST_CHANNELS = 128
"""Connections of one role: no role can take the places of another, nor all descriptors."""
_LAST_MOMENT = 1.0


class Worker:
    """Serves until the parent closes its end, then finishes what it has begun."""

    def __init__(self, end: socket.socket, operations: Operations) -> None:
        self._end = end
        self._operations = operations
        self._selector = selectors.DefaultSelector()
        self._waiting = RoundRobin()
        self._open: set[Channel] = set()
        self._budget = Budget()
        end.setblocking(False)
        self._selector.register(end, selectors.EVENT_READ)

    def run(self) -> None:
        """The loop; returns after the parent has closed, and what had arrived by then has been answered."""
        serving = True
        while True:
            ready = self._selector.select(self._select_timeout(serving))
            for key, events in ready:
                if key.data is None:
                    serving = self._receive_from_parent()
                else:
                    self._handle_ready(key.data, events)
            if not serving and not ready and not self._waiting:
                return
            self._answer_one()
            self._close_overdue()

    def _select_timeout(self, serving: bool) -> float | None:
        """Seconds to wait for something to happen; at the end only a moment, for peers to read their replies."""
        if self._waiting:
            return 0
        if serving:
            return PATIENCE if self._budget else None
        return _LAST_MOMENT if any(channel.has_unsent for channel in self._open) else 0

    def _receive_from_parent(self) -> bool:
        """Takes every message of the parent; False when it has closed."""
        while True:
            try:
                message = worker_messages.receive(self._end)
            except BlockingIOError:
                return True
            except ConnectionError:
                message = None
            if message is None:
                self._selector.unregister(self._end)
                return False
            if isinstance(message, PinChange):
                self._operations.state.apply_pin_change(message)
            elif isinstance(message, Heartbeat):
                with suppress(OSError):  # a parent that is ending does not wait for it
                    worker_messages.send(self._end, message)
            else:
                self._add_channel(Channel(message.socket, message.role))

    def _add_channel(self, channel: Channel) -> None:
        if sum(each.role is channel.role for each in self._open) >= _MOST_CHANNELS:
            channel.close()
            return
        self._open.add(channel)
        self._selector.register(channel.socket, selectors.EVENT_READ, channel)

    def _handle_ready(self, channel: Channel, events: int) -> None:
        if channel not in self._open:
            return
        try:
            if events & selectors.EVENT_WRITE:
                channel.flush()
            if events & selectors.EVENT_READ:
                channel.read_available()
        except OSError:
            self._close(channel)
            return
        self._enforce_budget(channel)
        self._waiting.add(channel)

    def _answer_one(self) -> None:
        """One frame of the channel whose turn it is: nobody who sends many makes others wait for all of them."""
        channel = self._waiting.next()
        if channel is None or channel not in self._open:
            return
        try:
            try:
                body = channel.next_frame()
                if body is None:
                    self._watch(channel)
                    return
                channel.reply(self._reply(channel, body))
            except BadRequest as error:
                channel.refuse(error)
        except OSError:
            self._close(channel)
            return
        self._enforce_budget(channel)
        self._waiting.add(channel)

    def _enforce_budget(self, channel: Channel) -> None:
        """Keeps the role of *channel* within its budget."""
        for each in self._budget.note(channel):
            _log.warning(
                "the %s socket holds too much: the connection that stood still longest is closed", each.role
            )
            self._close(each)

    def _close_overdue(self) -> None:
        """Closes connections whose peers stand still; not while any wait for a turn: the delay may be ours."""
        if self._budget and not self._waiting:
            for each in self._budget.overdue(time.monotonic()):
                self._close(each)

    def _reply(self, channel: Channel, body: bytes) -> bytes:
        try:
            return protocol.frame(self._operations.answer(channel.role, body))
        except AuthorityError:
            raise
        except Exception:
            # A mistake of ours must neither end the worker nor show its inside to a peer; the log has it whole.
            _log.exception("an operation failed inside")
            error = AuthorityError("The authority failed inside; its log says where. Nothing was given out.")
            return protocol.frame(protocol.refusal(error))

    def _watch(self, channel: Channel) -> None:
        """For the next request; or only for the peer to read, which keeps it from sending more until it does."""
        wanted = selectors.EVENT_WRITE if channel.has_unsent else selectors.EVENT_READ
        self._selector.modify(channel.socket, wanted, channel)

    def _close(self, channel: Channel) -> None:
        self._open.discard(channel)
        self._budget.forget(channel)
        self._selector.unregister(channel.socket)
        channel.close()
