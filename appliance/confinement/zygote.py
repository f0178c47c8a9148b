"""The zygote: imports everything once, goes behind walls, then only forks children and hands them over.

Started by the pool as a program of its own, with one socket. First frame: the order (jobs, cache, limits). Then
for every byte received it hands over one child: its process id, its socket and its pidfd (SCM_RIGHTS). It never
sees a document.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.confinement import child, frames, jobs, kernel, sandbox
from appliance.confinement.jobs import ConfinementLimits

_LARGEST_ORDER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A child behind its walls, not yet given work: its socket, its pidfd and its process id."""

    stream: socket.socket
    process: int
    number: int


class Zygote:
    """Forks and hands over; ``control`` is the socket to the pool."""

    def __init__(self, control: socket.socket, table: child.Jobs, limits: ConfinementLimits, *, warm: int) -> None:
        self._control = control
        self._table = table
        self._limits = limits
        self._warm = warm
        self._program = sandbox.seccomp_program()
        self._waiting: deque[_Waiting] = deque()

    def serve(self) -> None:
        """Hand over a child for every byte that comes, until the pool closes."""
        while True:
            self._fill()
            if not self._control.recv(1):
                return
            self._hand_over(self._waiting.popleft() if self._waiting else self._fork())

    def _fill(self) -> None:
        while len(self._waiting) < self._warm:
            self._waiting.append(self._fork())

    def _hand_over(self, waiting: _Waiting) -> None:
        number = waiting.number.to_bytes(frames.NUMBER_SIZE)
        socket.send_fds(self._control, [number], [waiting.stream.fileno(), waiting.process])
        waiting.stream.close()
        os.close(waiting.process)

    def _fork(self) -> _Waiting:
        ours, theirs = socket.socketpair()
        process = kernel.fork()
        if process == 0:
            sandbox.enclose_child(theirs.fileno(), self._limits, self._program)
            child.serve(theirs, self._table, self._limits)
        theirs.close()
        return _Waiting(ours, os.pidfd_open(process), process)


def main(descriptor: int) -> None:
    """Take the order from the pool, prepare, serve."""
    control = socket.socket(fileno=descriptor)
    order: dict[str, Any] = frames.read(control, limit=_LARGEST_ORDER)
    logging.disable(logging.CRITICAL)  # what libraries say about untrusted files is no log of ours
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    table = jobs.load(order["jobs"])
    cache = Path(order["cache"])
    jobs.warm(order["warm_up"], cache)
    limits = ConfinementLimits(**order["limits"])
    child.rehearse(limits)
    zygote = Zygote(control, table, limits, warm=order["warm"])
    gc.collect()
    kernel.gather_memory()
    sandbox.enclose_zygote(cache)
    gc.freeze()  # children share these pages for longer when the collector leaves them alone
    zygote.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
