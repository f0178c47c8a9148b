"""One worker: a single-threaded process with PKCS#11 for itself; many connections, one loop."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from contextlib import suppress

from hsm import protocol, worker_messages
from hsm.channel import PATIENCE, Budget, Channel, RoundRobin
from hsm.errors import AuthorityError, BadRequest
from hsm.operations import Operations
from hsm.worker_messages import Heartbeat, PinChange

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
        """Parts from peers that stand still; as long as anybody waits for a turn, it may be ours that do."""
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
