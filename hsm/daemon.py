"""The parent process: listens on one socket for each role, checks peers and hands connections to the workers,
which it starts, and restarts when one dies.

The kernel says who connects, not the peer. The parent never loads PKCS#11.
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
from functools import partial
from pathlib import Path

from hsm import protocol, worker_messages
from hsm.config import AuthoritySettings, PeerRole
from hsm.errors import ConfigurationRefused, NotPermitted
from hsm.process import ServiceManager
from hsm.time_source import SharedTimes
from hsm.worker_messages import AcceptedConnection, Heartbeat, PinChange, begin_run

_QUICK_DEATH, _PAUSE = 1.0, 0.5
_LONGEST_SILENCE = 60.0
"""Seconds that one message may keep a worker: the slowest of HSMs makes an RSA key in less."""


@dataclass(slots=True)
class WorkerProcess:
    """A running worker: its process, the parent's end of the socket pair, and when it was started (monotonic
    seconds).

    ``asked`` is when it was asked for a sign of life that it has not given yet.
    """

    process: int
    end: socket.socket
    started: float
    asked: float | None = None


class Workers:
    """Keeps *count* workers running. *work* runs in the child, with the child's end of the socket pair."""

    def __init__(self, count: int, work: Callable[[socket.socket, PinChange], None], pin: PinChange) -> None:
        """*pin* is what new workers are given, until one of them says otherwise."""
        self._work = work
        self._workers: list[WorkerProcess | None] = [None] * count
        self._turns = dict.fromkeys(PeerRole, 0)
        self._pin = pin

    @property
    def pin(self) -> PinChange:
        """The newest known state of the PIN."""
        return self._pin

    @property
    def _running(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if worker is not None]

    def start(self) -> None:
        """Starts every worker that does not run; one that died at once is started after a moment."""
        for place, worker in enumerate(self._workers):
            if worker is None:
                self._workers[place] = self._fork()

    def hand_over(self, connection: AcceptedConnection) -> bool:
        """Gives the connection to the next worker in this role's turn, so that few callers still use all cores."""
        for _ in self._workers:
            turn = self._turns[connection.role] = (self._turns[connection.role] + 1) % len(self._workers)
            worker = self._workers[turn]
            if worker is None:
                continue
            try:
                worker_messages.send(worker.end, connection)
            except OSError:
                continue
            return True
        return False

    def ends(self) -> list[socket.socket]:
        """The parent's ends, to be polled for messages of workers."""
        return [worker.end for worker in self._running]

    def receive_from(self, end: socket.socket) -> None:
        """Notes a sign of life; forwards a change of PIN to the other workers, and to those started later.

        Messages of workers arrive in no particular order; a change that is older than the known state is ignored.
        """
        try:
            message = worker_messages.receive(end)
        except OSError:
            return
        if isinstance(message, Heartbeat):
            for worker in self._running:
                if worker.end is end:
                    worker.asked = None
        if not isinstance(message, PinChange) or message.is_older_than(self._pin):
            return
        self._pin = message
        for worker in self._running:
            if worker.end is not end:
                try:
                    worker_messages.send(worker.end, message)
                except OSError:
                    # Gone or stuck: it must not go on with the PIN that it has. Its successor gets the new one.
                    _log.warning("worker %d does not hear of the PIN and is ended", worker.process)
                    os.kill(worker.process, signal.SIGKILL)

    def check_signs_of_life(self, *, now: float) -> bool:
        """Whether every worker has given the sign of life that it was asked for; then asks for the next.

        A worker that has been silent for too long (*now* is monotonic seconds) hangs in the module; it is killed.
        """
        workers = self._running
        waited_for = [worker for worker in workers if worker.asked is not None]
        for worker in waited_for:
            if now - (worker.asked or now) > _LONGEST_SILENCE:
                _log.error("worker %d gives no sign of life and is ended", worker.process)
                os.kill(worker.process, signal.SIGKILL)
        for worker in workers:
            if worker.asked is None:
                worker.asked = now
                with suppress(OSError):  # a worker that has ended is found by reap, a full line by its silence
                    worker_messages.send(worker.end, Heartbeat())
        return bool(workers) and not waited_for

    def reap(self) -> bool:
        """Removes workers that have ended; whether there were any."""
        found = False
        for place, worker in enumerate(self._workers):
            if worker is None or os.waitpid(worker.process, os.WNOHANG)[0] == 0:
                continue
            found = True
            _log.warning("worker %d has ended; another one is started", worker.process)
            worker.end.close()
            self._workers[place] = None
            if time.monotonic() - worker.started < _QUICK_DEATH:
                time.sleep(_PAUSE)
        return found

    def stop(self, *, patience: float) -> None:
        """Lets every worker finish, for at most *patience* seconds, then ends them."""
        workers = self._running
        for worker in workers:
            worker.end.close()
        limit = time.monotonic() + patience
        for worker in workers:
            while os.waitpid(worker.process, os.WNOHANG)[0] == 0:
                if time.monotonic() > limit:
                    os.kill(worker.process, signal.SIGKILL)
                    limit += 1
                time.sleep(0.01)
        self._workers = [None] * len(self._workers)

    def _fork(self) -> WorkerProcess:
        ours, theirs = worker_messages.pair()
        process = os.fork()
        if process == 0:
            status = 1
            try:
                for worker in self._running:
                    worker.end.close()
                ours.close()
                self._work(theirs, self._pin)
                status = 0
            except BaseException:
                # The child must never return into the parent's loop, whatever went wrong; the log has it whole.
                _log.exception("a worker failed")
            finally:
                os._exit(status)
        theirs.close()
        ours.setblocking(False)  # a worker that hangs in the module must not make the parent wait
        return WorkerProcess(process, ours, time.monotonic())


_CREDENTIALS = struct.Struct("3i")
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket for one role, with the users who may connect."""

    role: PeerRole
    listening: socket.socket
    allowed: frozenset[int]


def peer_user(connection: socket.socket) -> int:
    """The user (numeric id) of the process that connected (unix(7), SO_PEERCRED)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def listen(settings: AuthoritySettings, role: PeerRole) -> Listener:
    """The listening socket of *role*. Whoever connects to one that others may use is checked then."""
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
        self._listeners = [listen(self._settings, role) for role in PeerRole]
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
            self._selector.register(listener.listening, selectors.EVENT_READ, partial(self._accept, listener))
        for end in self._workers.ends():
            self._selector.register(end, selectors.EVENT_READ, partial(self._workers.receive_from, end))

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self._wake.recv(4096)

    def _accept(self, listener: Listener) -> None:
        try:
            connection, _ = listener.listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the peer has gone
        with connection:
            if peer_user(connection) not in listener.allowed:
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
    from hsm.operations import Operations, open_context  # noqa: PLC0415 - see above
    from hsm.worker import Worker  # noqa: PLC0415 - see above

    announce = partial(worker_messages.send, end)
    context = open_context(settings, pin, warn=announce)
    operations = Operations(context, announce=announce)
    gc.freeze()  # what is there now stays; the collector need not look at it again for every few hundred messages
    Worker(end, operations).run()


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
