"""The processes of one home, as systemd keeps them: whatever has died is started again."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from appliance.home import Home
from appliance.supervision import answers, operational
from tests.ports import free_port

PATIENCE = 120.0
WORKERS = max(4, os.cpu_count() or 1)
"""At least as many as the authority has: one for each core."""
COMMANDS = {
    "authority": ("-m", "hsm.cli", "serve"),
    "tsa": ("-m", "gunicorn", "--config", "python:webui.tsa.gunicorn", "webui.tsa.process:create()"),
    "scheduler": ("-m", "appliance.jobs"),
}


class Site:
    """The authority, the timestamp service and the scheduler of *home*. Single-threaded."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def restart(self) -> None:
        """Starts what does not run, and waits until it serves."""
        for name in COMMANDS:
            child = self._running.get(name)
            if child is None or child.poll() is not None:
                self._running[name] = self._start(name)
        # Each connection is the next worker's: all of them must have found the HSM again.
        self._await(lambda: all(operational(self.home) for _ in range(WORKERS)), "the authority")
        self._await(lambda: answers(self.port), "the timestamp service")
        self._await(self.home.clearance.exists, "the scheduler")

    def end(self) -> None:
        """SIGTERM for all, the authority last."""
        for name in reversed(COMMANDS):
            child = self._running.pop(name, None)
            if child is not None:
                child.terminate()
                child.wait(PATIENCE)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """kill -9 for the process itself; what it had started ends by itself."""
        self._running[name].kill()
        self._running[name].wait(PATIENCE)

    def kill_children(self, name: str, count: int | None = None) -> int:
        """kill -9 for (some of) its children: the authority's workers, gunicorn's worker. How many there were."""
        return kill_all(children_of(self.pid(name))[:count])

    def limit_files(self, name: str, size: int) -> None:
        """The largest size of a file that it and its children may write to: with 0 each write fails (EFBIG)."""
        for process in (self.pid(name), *children_of(self.pid(name))):
            with suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def half_a_request(self) -> None:
        """Peers that leave in the middle of a frame, of its header, and of nothing at all."""
        for part in (b"", b"\0\0", b"\0\0\1\0\xa2bop"):
            with socket.socket(socket.AF_UNIX) as peer, suppress(OSError):
                peer.connect(str(self.home.authority_socket("web")))
                peer.sendall(part)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, *COMMANDS[name]]
        if name == "tsa":
            command += ["--bind", f"127.0.0.1:{self.port}"]
        with (self.home.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                env={**os.environ, "VERMILION_HOME": str(self.home.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _await(self, serves: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not serves():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} does not serve again after {PATIENCE:.0f} s")
            time.sleep(0.02)
            for name, child in self._running.items():
                if child.poll() is not None:  # it had no chance: what it needs was not there yet
                    self._running[name] = self._start(name)


def children_of(process: int) -> list[int]:
    """The children that *process* has now, none when it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill_all(processes: list[int]) -> int:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(processes)
