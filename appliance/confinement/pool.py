"""The pool: hands each job to a fresh confined child and brings back its result or a typed error."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Formatter
from types import TracebackType
from typing import Any, Self, TypeVar

from appliance import errors
from appliance.confinement import frames, kernel
from appliance.confinement.jobs import JOBS, WARM_UP, ConfinementLimits
from appliance.errors import ApplianceError, ConfinementFailed, DocumentRefused

T = TypeVar("T")

log = logging.getLogger(__name__)

_START_SECONDS = 120.0
_CPUCLOCK_SCHED = 2
"""Of the clocks of a process, the time that it ran on a processor (include/linux/posix-timers.h)."""
_MOST_DEAD = 16
"""Waiting children that something ended, one after the other, before no more is expected of the next."""
_SENTENCES = {
    "crashed": "The input made its confined process fail; it was not processed.",
    "timeout": "The input took too long and its confined process was ended; it was not processed.",
    "processor": "The input takes too much processor time; it was not processed.",
    "memory": "The input needs more memory than is allowed; it was not processed.",
    "recursion": "The input is nested too deeply; it was not processed.",
    "output": "The confined process answered with something else than a result; nothing was kept.",
    "error": "The confined process could not make sense of its input; it was not processed.",
    "unavailable": "No confined process could be started; nothing was processed.",
}


@dataclass(slots=True)
class _Zygote:
    """The running zygote, and the process id of who started it; forks of that one share it."""

    program: subprocess.Popen[bytes]
    control: socket.socket
    owner: int


@dataclass(frozen=True, slots=True)
class _Child:
    """One confined process: the socket for its one job, the handle to end it, and its process id."""

    stream: socket.socket
    process: int
    number: int

    @property
    def lives(self) -> bool:
        """Whether it can still take its job."""
        ended = select.poll()
        ended.register(self.process, select.POLLIN)  # pidfd_open(2): readable when the process has ended
        return not ended.poll(0)

    @property
    def used(self) -> float:
        """Seconds of processor time so far, asked of the kernel: what runs in the child has no say in it. 0 when
        it has ended, which its socket tells."""
        try:
            return time.clock_gettime(~self.number << 3 | _CPUCLOCK_SCHED)
        except OSError:
            return 0.0

    def wait(self, *, deadline: float, processor: float) -> None:
        """Until it begins to answer, or ends. Raises ConfinementFailed at *deadline* (``time.monotonic``) and when
        it has used *processor* seconds."""
        answers = select.poll()
        answers.register(self.stream, select.POLLIN)
        while True:
            left, time_left = processor - self.used, deadline - time.monotonic()
            if answers.poll(max(1, int(1000 * min(left, time_left)))):
                return
            if left <= 0:
                raise _failed("processor")
            if time_left <= 0:
                raise _failed("timeout")

    def end(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        os.close(self.process)
        self.stream.close()


class Confinement:
    """A warm pool of one-shot confined processes. Thread-safe; a context manager; starts on first use.

    Forks of a process that has started it use the same zygote: each request is one byte, each answer one message
    with descriptors, which the kernel gives to one reader (unix(7)). If it dies, each fork starts its own.
    ``cache`` is a directory for what is derived once (typefaces); ``warm`` children wait ready; ``jobs`` is the
    table of what may run.
    """

    def __init__(
        self,
        cache: Path,
        *,
        warm: int = 2,
        limits: ConfinementLimits | None = None,
        jobs: Mapping[str, str] = JOBS,
        warm_up: tuple[str, ...] = WARM_UP,
    ) -> None:
        self._limits = limits or ConfinementLimits()
        self._order = {
            "jobs": dict(jobs),
            "warm_up": list(warm_up),
            "cache": str(cache.resolve()),
            "limits": asdict(self._limits),
            "warm": warm,
        }
        self._jobs = frozenset(jobs)
        self._environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"}
        self._environment |= kernel.landlock_demand()
        self._lock = threading.Lock()
        self._zygote: _Zygote | None = None
        self._under_way, self._last_end = 0, 0.0

    def run(
        self, job: str, arguments: Mapping[str, Any], *, timeout: float = 30.0, processor: float | None = None
    ) -> Any:
        """The result of *job* (a name of ``jobs.JOBS``) called with *arguments*, within *timeout* seconds, and
        within *processor* seconds of processor time (without it, those of the limits), however busy we are.

        Raises the ApplianceError by which the job refused, or ConfinementFailed whose ``values["cause"]`` is one
        of ``crashed``, ``timeout``, ``processor``, ``memory``, ``recursion``, ``output``, ``error`` (the
        document's doing) and ``unavailable`` (no confined process could be had, or on an appliance no Landlock).
        """
        if job not in self._jobs:
            raise ValueError(f"no such job: {job}")
        with self._one_child() as child:
            try:
                deadline = time.monotonic() + timeout
                child.stream.settimeout(timeout)
                frames.write(child.stream, {"job": job, "arguments": frames.encode(dict(arguments))})
                child.wait(deadline=deadline, processor=self._limits.cpu if processor is None else processor)
                answer = frames.read(child.stream, limit=self._limits.answer + 1024, deadline=deadline)
            except TimeoutError as error:
                raise _failed("timeout") from error
            except (frames.FrameError, OSError) as error:
                raise _failed("crashed", str(error)) from error
        return _result(answer)

    def process(
        self, kind: type[T], job: str, *, timeout: float = 20.0, sentence: str = "", **arguments: Any
    ) -> T:
        """The *kind* that *job* makes of a stranger's file. Raises as :meth:`run`; where the file brings its
        process down, DocumentRefused (``unprocessable``) with *sentence*, or what happened."""
        try:
            return _decoded(kind, self.run(job, arguments, timeout=timeout))
        except ConfinementFailed as failure:
            if failure.values.get("cause") == "unavailable":
                raise
            raise DocumentRefused("unprocessable", sentence or failure.template) from failure

    def start(self) -> None:
        """Start the zygote now, without waiting for it, so that the first job finds it warm."""
        with self._lock:
            self._running()

    def end_when_idle(self, seconds: float) -> None:
        """End the zygote if there was no job for so many *seconds*; the next job waits for another to start."""
        with self._lock:
            if not self._under_way and time.monotonic() - self._last_end >= seconds:
                self._stop()

    def close(self) -> None:
        """End the pool and every child."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _one_child(self) -> Iterator[_Child]:
        """A child, ended on leaving. The zygote lives until then: its children die with it."""
        with self._lock:
            self._under_way += 1
        try:
            child = self._child()
            try:
                yield child
            finally:
                child.end()
        finally:
            with self._lock:
                self._under_way, self._last_end = self._under_way - 1, time.monotonic()

    def _child(self) -> _Child:
        """A waiting child that lives; a zygote that has died is replaced once."""
        for _ in range(_MOST_DEAD):
            child = self._handed_over()
            if child.lives:
                return child
            child.end()
        raise _failed("unavailable")

    def _handed_over(self) -> _Child:
        with self._lock:
            for _ in range(2):
                zygote = self._running()
                try:
                    zygote.control.sendall(b"?")
                    data, descriptors, _, _ = socket.recv_fds(zygote.control, frames.NUMBER_SIZE, 2)
                except OSError:
                    data, descriptors = b"", []
                if len(data) == frames.NUMBER_SIZE and len(descriptors) == 2:
                    return _Child(socket.socket(fileno=descriptors[0]), descriptors[1], int.from_bytes(data))
                self._stop()
        raise _failed("unavailable")

    def _running(self) -> _Zygote:
        if self._zygote is None:
            self._zygote = self._launch()
        return self._zygote

    def _launch(self) -> _Zygote:
        if not kernel.require_landlock():
            log.warning("This kernel has no Landlock: confined processes can read other files here.")
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        with theirs:
            program = subprocess.Popen(
                [sys.executable, "-m", "appliance.confinement.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environment,
                cwd="/",
            )
        frames.write(ours, self._order)
        return _Zygote(program, ours, os.getpid())

    def _stop(self) -> None:
        """Forgets the zygote, and ends it if this process started it."""
        zygote, self._zygote = self._zygote, None
        if zygote is None:
            return
        zygote.control.close()
        if zygote.owner == os.getpid():
            zygote.program.kill()  # its children die with it
            zygote.program.wait()


def _decoded(kind: type[T], plain: Any) -> T:
    try:
        return frames.decode(kind, plain)
    except ValueError as error:
        raise _failed("output", str(error)) from error


def _result(answer: Any) -> Any:
    match answer:
        case {"result": result}:
            return result
        case {"refused": dict(refusal)}:
            raise _refusal(refusal)
        case {"failed": str(cause), "detail": str(detail)} if cause in _SENTENCES:
            raise _failed(cause, detail)
    raise _failed("output")


def _refusal(described: dict[str, Any]) -> ApplianceError:
    """The refusal that a child described; a child that hostile input took over may describe anything."""
    kind = getattr(errors, str(described.get("type")), None)
    template, values = described.get("template"), described.get("values")
    if not (isinstance(kind, type) and issubclass(kind, ApplianceError)):
        return _failed("output")
    if not isinstance(template, str) or not isinstance(values, dict) or not _only_names(template, values):
        return _failed("output")
    if issubclass(kind, DocumentRefused):
        return kind(str(described.get("reason")), template, **values)
    return kind(template, **values)


def _only_names(template: str, values: Mapping[Any, Any]) -> bool:
    """Whether *template* has plain ``{name}`` of *values* alone: no attribute, item, conversion or width."""
    names = {name for name in values if isinstance(name, str) and name.isidentifier()} - {"reason", "template"}
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        return False
    plain = all(name is None or (name in names and not form and not turned) for _, name, form, turned in parts)
    return plain and len(names) == len(values)


def _failed(cause: str, detail: str = "") -> ConfinementFailed:
    return ConfinementFailed(_SENTENCES[cause], cause=cause, detail=detail)
