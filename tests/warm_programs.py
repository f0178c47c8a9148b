"""Starts programs as copies of one process that has loaded their code: that is most of what a start takes. Tests
about a program's own processes start the program."""

from __future__ import annotations

import atexit
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import cbor2

from tests.pure import ROOT

_LARGEST = 1 << 20


@dataclass(slots=True)
class StartedCopy:
    """A copy that runs, with what tests use of :class:`subprocess.Popen`."""

    pid: int
    _source: WarmProgram
    _ended: int = field(init=False)
    returncode: int | None = None

    def __post_init__(self) -> None:
        self._ended = os.pidfd_open(self.pid)  # readable when it has ended

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.returncode = self._source.status(self.pid)
            os.close(self._ended)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises :class:`subprocess.TimeoutExpired`."""
        if self.returncode is None and not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"copy {self.pid}", timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._ended, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmProgram:
    """Its process starts with the first copy, and ends with this one. *main*, as ``module:function``, is what the
    program calls, *command* its command line, and *loaded* are modules that it would load later."""

    def __init__(self, main: str, command: Sequence[str], loaded: Sequence[str]) -> None:
        self._order = {"main": main, "command": list(command), "loaded": list(loaded)}
        self._turn = threading.Lock()
        self._asked: socket.socket | None = None

    def start(self, environment: Mapping[str, str], *, stdin: int, said: int) -> StartedCopy:
        """A copy with this *environment* alone, these descriptors for its standard input and for what it says."""
        place = {"environment": dict(environment), "folder": str(Path.cwd())}
        with self._turn:
            if self._asked is None:
                self._asked = self._begun()
            return StartedCopy(self._answer(place, stdin, said), self)

    def status(self, number: int) -> int:
        """How the copy whose number is *number*, which has ended, did that."""
        with self._turn:
            return self._answer({"ended": number})

    def _answer(self, order: Mapping[str, object], *descriptors: int) -> int:
        assert self._asked is not None
        socket.send_fds(self._asked, [cbor2.dumps(order)], descriptors)
        answer: int = cbor2.loads(self._asked.recv(_LARGEST))
        return answer

    def _begun(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm_programs"], stdin=theirs.fileno(), cwd=ROOT
            )
        ours.send(cbor2.dumps(self._order))
        return ours

    def close(self) -> None:
        if self._asked is not None:
            self._asked.close()
            self._process.wait()


def _kept(main: str, command: Sequence[str], *loaded: str) -> WarmProgram:
    program = WarmProgram(main, command, loaded)
    atexit.register(program.close)
    return program


def start_authority(environment: Mapping[str, str], log: Path) -> StartedCopy:
    """``vermilion-authority serve``; what it says is appended to the file *log*."""
    with log.open("ab") as said, open(os.devnull, "rb") as nothing:  # noqa: PTH123 -- for its descriptor
        return _authority().start(environment, stdin=nothing.fileno(), said=said.fileno())


@cache
def _authority() -> WarmProgram:
    loaded = ("hsm.activation", "hsm.operations", "hsm.worker")
    return _kept("hsm.cli:main", ("vermilion-authority", "serve"), *loaded)


def start_directory(environment: Mapping[str, str], stdin: int) -> StartedCopy:
    """``vermilion-directory``, whose request comes by the socket *stdin*."""
    return _directory().start(environment, stdin=stdin, said=2)


@cache
def _directory() -> WarmProgram:
    service = "appliance.directory_service"
    loaded = (f"{service}.whole_reading", f"{service}.checking", f"{service}.openid")
    return _kept(f"{service}.program:main", ("vermilion-directory",), *loaded)


def serve(asked: socket.socket) -> None:
    """One order after the other: the number of what was started, or how it ended."""
    program = cbor2.loads(asked.recv(_LARGEST))
    module, _, function = program["main"].partition(":")
    main = getattr(import_module(module), function)
    for each in program["loaded"]:
        import_module(each)
    gc.freeze()
    while True:
        order, descriptors, *_ = socket.recv_fds(asked, _LARGEST, 2)
        match cbor2.loads(order) if order else None:
            case None:
                return
            case {"ended": number}:
                asked.send(cbor2.dumps(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])))
            case place:
                number = os.fork()
                if number == 0:
                    asked.close()
                    _run(main, program["command"], place, *descriptors)
                for each in descriptors:
                    os.close(each)
                asked.send(cbor2.dumps(number))


def _run(
    main: Callable[[], object], command: list[str], place: Mapping[str, Any], stdin: int, said: int
) -> NoReturn:
    """What the program does, from its start to its end."""
    os.chdir(place["folder"])
    os.environ.clear()
    os.environ.update(place["environment"])
    for each, stream in ((stdin, 0), (said, 1), (said, 2)):
        os.dup2(each, stream)
    os.close(stdin)
    os.close(said)
    sys.argv = command
    status: Any = 1
    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with socket.socket(fileno=os.dup(0)) as control:
        serve(control)
