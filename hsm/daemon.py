"""The parent: listens on one socket for each role, checks peers, hands connections to the workers.

Who may connect is asked of the kernel, not of the peer. The parent never loads PKCS#11.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import logging
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hsm import protocol
from hsm.config import AuthoritySettings, PeerRole
from hsm.errors import ConfigurationRefused, NotPermitted
from hsm.process import ServiceManager
from hsm.time_source import SharedTimes
from hsm.worker_messages import AcceptedConnection, PinChange, begin_run
from hsm.workers import Workers

_CREDENTIALS = struct.Struct("3i")
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket for one role, with the users who may connect."""

    role: PeerRole
    listening: socket.socket
    allowed: frozenset[int]

    def accept(self) -> tuple[socket.socket, bool] | None:
        """The next connection and whether its peer may use it; None when nobody waits any more."""
        try:
            connection, _ = self.listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        return connection, peer_user(connection) in self.allowed


def peer_user(connection: socket.socket) -> int:
    """The user (numeric id) of the process that connected (unix(7), SO_PEERCRED)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def listen(settings: AuthoritySettings) -> list[Listener]:
    """The listening sockets, one for each role. One that others may use is checked at ``accept``."""
    return [_listen(settings, role) for role in PeerRole]


def _listen(settings: AuthoritySettings, role: PeerRole) -> Listener:
    path = settings.home.socket(role)
    allowed = settings.peers.allowed(role)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    # Bound under another name and moved into place, so that nobody connects before the mode is right.
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    listening.bind(str(fresh))
    Path(fresh).chmod(0o600 if allowed == {os.getuid()} else 0o666)
    listening.listen(_BACKLOG)
    fresh.rename(path)
    return Listener(role, listening, allowed)


_log = logging.getLogger(__name__)
_PATIENCE = 10.0
_ROUND = 15.0
"""Seconds between two questions to the workers; ``WatchdogSec=`` of the unit is several times as long."""


class Daemon:
    """Serves until SIGTERM or SIGINT, then lets the workers finish."""

    def __init__(self, settings: AuthoritySettings, pin: str | None, manager: ServiceManager) -> None:
        """*pin* is the token's, or None: then an operator unlocks later. *manager* hears how things are."""
        self._settings = settings
        self._workers = Workers(settings.workers.processes, self._work, PinChange(pin, time.monotonic_ns()))
        self._selector = selectors.DefaultSelector()
        self._listeners: list[Listener] = []
        self._lock = _lock_home(settings)
        self._manager = manager
        self._next_round = time.monotonic()
        self._wake, self._waker = socket.socketpair()

    def run(self) -> None:
        """Starts the workers, then listens."""
        SharedTimes.create(self._settings.home.clock)
        begin_run(self._settings.home.login_turns)
        ending = self._watch_signals()
        _load_shared_code()
        self._workers.start()
        self._listeners = listen(self._settings)
        self._register()
        _log.info("serving with %d workers", self._settings.workers.processes)
        self._manager.ready()
        while not ending():
            for key, _ in self._selector.select(max(0.0, self._next_round - time.monotonic())):
                key.data()
            self._check_workers()
            if self._workers.reap():
                self._workers.start()
                self._register()
        for listener in self._listeners:
            self._settings.home.socket(listener.role).unlink(missing_ok=True)
            listener.listening.close()
        self._workers.stop(patience=_PATIENCE)

    def _watch_signals(self) -> Callable[[], bool]:
        """Wakes the loop for signals; the returned callable says whether one asked for the end."""
        asked: list[int] = []
        for each in (self._wake, self._waker):
            each.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: asked.append(received))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return lambda: bool(asked)

    def _check_workers(self) -> None:
        """Now and then asks every worker; all of them answering is what the service manager hears of."""
        now = time.monotonic()
        if now < self._next_round:
            return
        self._next_round = now + _ROUND
        if self._workers.check_signs_of_life(now=now):
            self._manager.alive()

    def _register(self) -> None:
        self._selector.close()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ, self._drain)
        for listener in self._listeners:
            self._selector.register(listener.listening, selectors.EVENT_READ, _bound(self._accept, listener))
        for end in self._workers.ends():
            self._selector.register(end, selectors.EVENT_READ, _bound(self._workers.receive_from, end))

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self._wake.recv(4096)

    def _accept(self, listener: Listener) -> None:
        accepted = listener.accept()
        if accepted is None:
            return
        connection, permitted = accepted
        with connection:
            if not permitted:
                _refuse(connection, listener)
            elif not self._workers.hand_over(AcceptedConnection(listener.role, connection)):
                _log.error("no worker could take a connection of %s", listener.role.value)

    def _work(self, end: socket.socket, pin: PinChange) -> None:
        """In the child: forget what is the parent's, open the context, serve."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._wake, self._waker, *(listener.listening for listener in self._listeners)):
            each.close()
        os.close(self._lock)
        _serve(self._settings, end, pin)


def _load_shared_code() -> None:
    """What the workers need and PKCS#11 is no part of: loaded before the fork, and left alone by the collector, so
    that they share its memory."""
    importlib.import_module("hsm.activation")
    gc.collect()
    gc.freeze()


def _serve(settings: AuthoritySettings, end: socket.socket, pin: PinChange) -> None:
    # Imported here, in the child: nothing of PKCS#11 is ever loaded in the parent.
    from hsm import worker_messages  # noqa: PLC0415 - see above
    from hsm.operations import Operations, open_context  # noqa: PLC0415 - see above
    from hsm.worker import Worker  # noqa: PLC0415 - see above

    def announce(change: PinChange) -> None:
        worker_messages.send(end, change)

    context = open_context(settings, pin, warn=announce)
    operations = Operations(context, announce=announce)
    gc.freeze()  # what is there now stays; the collector need not look at it again for every few hundred messages
    Worker(end, operations).run()


def _bound(call: Callable[..., None], argument: object) -> Callable[[], None]:
    return lambda: call(argument)


def _refuse(connection: socket.socket, listener: Listener) -> None:
    error = NotPermitted("This user may not use the {role} socket; see [peers].", role=listener.role.value)
    _log.warning("refused a peer on the %s socket", listener.role.value)
    with suppress(OSError):
        connection.setblocking(False)
        connection.send(protocol.frame(protocol.refusal(error)))


def _lock_home(settings: AuthoritySettings) -> int:
    """The lock that keeps a second daemon away from this home. Raises :class:`ConfigurationRefused`."""
    path = settings.home.single
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigurationRefused(
            "An authority already runs in {home}; end it first.", home=settings.home.root
        ) from error
    return descriptor
