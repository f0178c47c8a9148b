"""Starts authorities as ``vermilion-authority serve`` does, as copies of one process that has loaded their code:
that is most of what a start takes. Tests about the authority's own processes start the program."""

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
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from tests.pure import ROOT


@dataclass(slots=True)
class StartedAuthority:
    """A copy that serves, with what tests use of :class:`subprocess.Popen`."""

    pid: int
    _source: WarmAuthority
    _ended: int = field(init=False)
    returncode: int | None = None

    def __post_init__(self) -> None:
        self._ended = os.pidfd_open(self.pid)  # readable when it has ended

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.returncode = self._source.ask("status", self.pid)
            os.close(self._ended)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises :class:`subprocess.TimeoutExpired`."""
        if self.returncode is None and not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"authority {self.pid}", timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._ended, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmAuthority:
    """Its process starts with the first authority, and ends with this one."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm_authority"], stdin=theirs.fileno(), cwd=ROOT
            )
        self._asked = Connection(ours.detach())

    def start(self, environment: Mapping[str, str], log: Path) -> StartedAuthority:
        """The authority of the home that *environment* names; what it says is appended to the file *log*."""
        return StartedAuthority(self.ask("start", dict(environment), str(Path.cwd()), str(log)), self)

    def ask(self, *order: object) -> int:
        with self._turn:
            self._asked.send(order)
            answer: int = self._asked.recv()
            return answer

    def close(self) -> None:
        self._asked.close()
        self._process.wait()


@cache
def warm_authority() -> WarmAuthority:
    """The one of this process."""
    warm = WarmAuthority()
    atexit.register(warm.close)
    return warm


def answer(asked: Connection) -> None:
    """One order after the other: the number of what was started, or how it ended."""
    while True:
        order, *values = asked.recv()
        if order == "start":
            child = os.fork()
            if child == 0:
                asked.close()
                serve(*values)
            asked.send(child)
        else:
            asked.send(os.waitstatus_to_exitcode(os.waitpid(values[0], 0)[1]))


def serve(environment: dict[str, str], folder: str, log: str) -> NoReturn:
    """What the program does, from its start to its end."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for each, stream in ((os.open(os.devnull, os.O_RDONLY), 0), (said, 1), (said, 2)):
        os.dup2(each, stream)
    sys.argv = ["vermilion-authority", "serve"]
    status: Any = 1
    try:
        cli.main()
    except SystemExit as end:
        status = end.code or 0
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    import hsm.activation
    import hsm.operations
    import hsm.worker  # noqa: F401 -- loaded for the copies
    from hsm import cli

    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(EOFError):
        answer(Connection(os.dup(0)))
