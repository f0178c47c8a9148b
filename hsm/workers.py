"""The workers as the parent sees them: started, handed connections in turn, started again when one dies."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hsm import worker_messages
from hsm.config import PeerRole
from hsm.worker_messages import AcceptedConnection, Heartbeat, PinChange

_log = logging.getLogger(__name__)
_QUICK_DEATH, _PAUSE = 1.0, 0.5
_LONGEST_SILENCE = 60.0
"""Seconds that one message may keep a worker: the slowest of HSMs makes an RSA key in less."""


@dataclass(slots=True)
class WorkerProcess:
    """A running worker: its process, the parent's end of the pair, when it was started (monotonic seconds).

    ``asked`` is when it was asked for a sign of life that it has not given yet.
    """

    process: int
    end: socket.socket
    started: float
    asked: float | None = None


class Workers:
    """Keeps *count* workers. *work* is what a worker does with its end; it runs in the child."""

    def __init__(self, count: int, work: Callable[[socket.socket, PinChange], None], pin: PinChange) -> None:
        """*pin* is what new workers are given, until one of them says otherwise."""
        self._work = work
        self._workers: list[WorkerProcess | None] = [None] * count
        self._turns = dict.fromkeys(PeerRole, 0)
        self._pin = pin

    @property
    def pin(self) -> PinChange:
        """The newest that is known of the PIN."""
        return self._pin

    def start(self) -> None:
        """Starts every worker that does not run; one that died at once waits a moment."""
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
        """The parent's ends, to be watched for what workers say."""
        return [worker.end for worker in self._workers if worker is not None]

    def receive_from(self, end: socket.socket) -> None:
        """Notes a sign of life; passes a change of PIN on to the others, and to workers that are started later.

        Workers are heard in no particular order, so what is older than what is known already goes nowhere.
        """
        try:
            message = worker_messages.receive(end)
        except OSError:
            return
        if isinstance(message, Heartbeat):
            for worker in self._workers:
                if worker is not None and worker.end is end:
                    worker.asked = None
        if not isinstance(message, PinChange) or message.is_older_than(self._pin):
            return
        self._pin = message
        for worker in self._workers:
            if worker is not None and worker.end is not end:
                try:
                    worker_messages.send(worker.end, message)
                except OSError:
                    # Gone or stuck: it must not go on with the PIN that it has. Its successor gets the new one.
                    _log.warning("worker %d does not hear of the PIN and is ended", worker.process)
                    os.kill(worker.process, signal.SIGKILL)

    def check_signs_of_life(self, *, now: float) -> bool:
        """Whether every worker has given the sign of life that it was asked for; then asks for the next.

        One that has been silent for too long (*now* is monotonic seconds) hangs in the module, and is ended.
        """
        workers = [worker for worker in self._workers if worker is not None]
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
        """Takes leave of workers that have died; whether there were any."""
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
        workers = [worker for worker in self._workers if worker is not None]
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
                for worker in self._workers:
                    if worker is not None:
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
