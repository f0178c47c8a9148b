"""The zygote: imports everything once, confines itself, then only forks children and hands them over. A child
waits for one job, does it, answers once, and ends.

Started by the pool as a program of its own, with one socket. First frame: the order (jobs, cache, limits). Then
for every byte received it hands over one child: its process id, its socket and its pidfd (SCM_RIGHTS). It never
sees a document. A child whose pool has let go of it is ended: of several processes that share a zygote, one may
die in the middle of a job.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import cbor2

from appliance.confinement import frames, jobs, kernel, memory, sandbox
from appliance.confinement.jobs import ConfinementLimits
from appliance.errors import ApplianceError

Jobs = Mapping[str, Callable[..., Any]]

LARGEST_REQUEST = 512 * 1024 * 1024
_LARGEST_ORDER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Forked:
    """A confined child: the pool's socket of it, a copy of its own one, its pidfd and its process id."""

    stream: socket.socket
    theirs: socket.socket
    process: int
    number: int


class Zygote:
    """Forks and hands over; ``control`` is the socket to the pool."""

    def __init__(self, control: socket.socket, table: Jobs, limits: ConfinementLimits, *, warm: int) -> None:
        self._control = control
        self._table = table
        self._limits = limits
        self._warm = warm
        self._number = os.getpid()
        self._program = sandbox.seccomp_program()
        self._waiting: deque[_Forked] = deque()
        self._working: dict[int, _Forked] = {}
        self._events = select.poll()
        self._events.register(control, select.POLLIN)

    def serve(self) -> None:
        """Hand over a child for every byte that comes, until the pool closes."""
        while True:
            self._fill()
            happened = {descriptor for descriptor, _ in self._events.poll()}
            for descriptor in happened & self._working.keys():  # first, while no number stands for a new child
                self._let_go(descriptor)
            if self._control.fileno() not in happened:
                continue
            if not self._control.recv(1):
                return
            self._hand_over(self._waiting.popleft() if self._waiting else self._fork())

    def _fill(self) -> None:
        while len(self._waiting) < self._warm:
            self._waiting.append(self._fork())

    def _hand_over(self, waiting: _Forked) -> None:
        number = waiting.number.to_bytes(frames.NUMBER_SIZE)
        socket.send_fds(self._control, [number], [waiting.stream.fileno(), waiting.process])
        waiting.stream.close()
        self._working[waiting.theirs.fileno()] = self._working[waiting.process] = waiting
        self._events.register(waiting.theirs, 0)  # POLLHUP is always told: nobody has the pool's socket any more
        self._events.register(waiting.process, select.POLLIN)  # it has ended

    def _let_go(self, descriptor: int) -> None:
        """Ends the child of *descriptor*, if it has not ended."""
        child = self._working.get(descriptor)
        if child is None:
            return
        for each in (child.theirs.fileno(), child.process):
            self._events.unregister(each)
            del self._working[each]
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.process, signal.SIGKILL)
        os.close(child.process)
        child.theirs.close()

    def _fork(self) -> _Forked:
        ours, theirs = socket.socketpair()
        process = kernel.fork()
        if process == 0:
            sandbox.enclose_child(theirs.fileno(), self._number, self._limits, self._program)
            serve(theirs, self._table, self._limits)
        return _Forked(ours, theirs, os.pidfd_open(process), process)


def main(descriptor: int) -> None:
    """Take the order from the pool, prepare, serve."""
    control = socket.socket(fileno=descriptor)
    order: dict[str, Any] = frames.read(control, limit=_LARGEST_ORDER)
    logging.disable(logging.CRITICAL)  # what libraries say about untrusted files is no log of ours
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    table = {name: frames.typed(job) for name, job in jobs.load(order["jobs"]).items()}
    cache = Path(order["cache"])
    jobs.warm(order["warm_up"], cache)
    limits = ConfinementLimits(**order["limits"])
    rehearse(limits)
    zygote = Zygote(control, table, limits, warm=order["warm"])
    gc.collect()
    memory.fill_holes()
    kernel.gather_memory()
    kernel.let_go_of_files(cache)
    sandbox.enclose_zygote(cache)
    gc.freeze()  # children share these pages for longer when the collector leaves them alone
    zygote.serve()


def serve(stream: socket.socket, jobs: Jobs, limits: ConfinementLimits) -> NoReturn:
    """Read one request from *stream*, answer it, and leave without running anybody's clean-up."""
    gc.disable()  # one job and then the end: collecting would only cost time
    try:
        request = frames.read(stream, limit=LARGEST_REQUEST)
        answer(stream, outcome(jobs, request), limits)
    finally:
        os._exit(0)


def rehearse(limits: ConfinementLimits) -> None:
    """One request and its answer without a job, so that children find loaded what every one of them needs."""
    pool, own = socket.socketpair()
    with pool, own:
        frames.write(pool, {"job": "", "arguments": {"number": 1, "text": "", "bytes": b"", "list": [None, True]}})
        answer(own, outcome({}, frames.read(own, limit=LARGEST_REQUEST)), limits)
        frames.read(pool, limit=LARGEST_REQUEST)


def outcome(jobs: Jobs, request: Any) -> dict[str, Any]:
    """``{"result"}``, ``{"refused"}`` or ``{"failed"}``: whatever the job raised, told as a value."""
    try:
        return {"result": jobs[request["job"]](**request["arguments"])}
    except ApplianceError as refusal:
        return {"refused": described(refusal)}
    except MemoryError:
        return failure("memory", "")
    except RecursionError:
        return failure("recursion", "")
    except Exception as error:  # untrusted bytes may raise anything; it is told, not swallowed
        return failure("error", f"{type(error).__name__}: {error}")


def answer(stream: socket.socket, value: dict[str, Any], limits: ConfinementLimits) -> None:
    """Send *value*, or that it is too large or not CBOR."""
    try:
        encoded = cbor2.dumps(value)
    except MemoryError:
        encoded = cbor2.dumps(failure("memory", ""))
    except (cbor2.CBOREncodeError, ValueError, RecursionError) as error:
        encoded = cbor2.dumps(failure("output", str(error)))
    if len(encoded) > limits.answer:
        encoded = cbor2.dumps(failure("output", f"{len(encoded)} bytes"))
    frames.write_encoded(stream, encoded)


def described(refusal: ApplianceError) -> dict[str, Any]:
    """A refusal as plain values; the other side builds the same one again."""
    values = {key: _plain(value) for key, value in refusal.values.items()}
    return {
        "type": type(refusal).__name__,
        "reason": getattr(refusal, "reason", None),
        "template": refusal.template,
        "values": values,
    }


def failure(cause: str, detail: str) -> dict[str, Any]:
    """The job did not end well; *detail* is for the log, from an untrusted document, so cut short."""
    return {"failed": cause, "detail": detail[:300]}


def _plain(value: object) -> int | float | str:
    return value if isinstance(value, int | float | str) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]))
