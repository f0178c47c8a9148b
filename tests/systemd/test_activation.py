"""Services as systemd starts them: on a Unix socket that is there already, and READY when they can answer."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from appliance.home import Home
from appliance.timestamping import Clearance, IssuingState
from appliance.timestamping.clearance import write_clearance
from tests.authority import RunningAuthority

PATIENCE = 60.0


class UnixConnection(HTTPConnection):
    """HTTP over the Unix socket *path*, as the web front speaks it."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


def listener(kind: int, path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, kind)
    made.settimeout(PATIENCE)
    made.bind(str(path))
    return made


@contextmanager
def activated(home: Path, at: socket.socket, *, notify: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service with *at* as its one socket (sd_listen_fds(3)) and *notify* to speak to (sd_notify(3))."""
    program = f"{Path(sys.executable).parent}/gunicorn"
    arguments = [program, "--config", "python:webui.tsa.gunicorn", "webui.tsa.process:create()"]
    # LISTEN_PID has to name the process that the shell becomes.
    takes_over = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&"$HANDED"'
    with subprocess.Popen(
        ["bash", "-c", takes_over, "start", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HANDED": str(at.fileno()),
            "VERMILION_HOME": str(home),
            "NOTIFY_SOCKET": str(notify),
        },
        pass_fds=[at.fileno()],
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


def test_it_answers_on_the_socket_that_it_is_given_and_says_ready(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    at, told = (
        listener(socket.SOCK_STREAM, tmp_path / "tsa.sock"),
        listener(socket.SOCK_DGRAM, tmp_path / "notify"),
    )
    at.listen(8)
    query = subprocess.run(
        ["openssl", "ts", "-query", "-digest", hashlib.sha256(b"contract").hexdigest(), "-sha256", "-cert"],
        capture_output=True,
        check=True,
    ).stdout
    write_clearance(Home(authority.root).clearance, Clearance(IssuingState.OPEN))
    with at, told, activated(authority.root, at, notify=tmp_path / "notify"):
        assert told.recv(100) == b"READY=1"
        connection = UnixConnection(tmp_path / "tsa.sock")
        connection.request("POST", "/tsa", query, {"Content-Type": "application/timestamp-query"})
        reply = connection.getresponse()
        assert (reply.status, reply.getheader("Content-Type")) == (200, "application/timestamp-reply")
        reply.read()
        connection.close()


def test_the_authority_says_ready_when_it_listens_and_then_that_its_workers_answer(tmp_path: Path) -> None:
    """In a home of its own, without a ceremony: what is told is that it serves, locked or not."""
    home = tmp_path / "home"
    environment = {"PATH": os.environ["PATH"], "VERMILION_HOME": str(home)}
    with listener(socket.SOCK_DGRAM, tmp_path / "notify") as told:
        command = [sys.executable, "-m", "hsm.cli"]
        subprocess.run([*command, "init"], env=environment, check=True, capture_output=True)
        environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        with subprocess.Popen([*command, "serve"], env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                assert told.recv(100) == b"READY=1"
                assert (home / "run/authority-web.sock").is_socket()
                assert told.recv(100) == b"WATCHDOG=1"
            finally:
                process.terminate()
                process.wait(timeout=PATIENCE)
