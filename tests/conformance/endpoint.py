"""The timestamp process as it runs: a real authority, gunicorn in its own processes, one spool."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from appliance.home import Home
from appliance.store import ledger
from appliance.store.database import Database
from appliance.timestamping.clearance import Clearance, IssuingState, write_clearance
from hsm.timestamp import TimestampInfo, parse_response, parse_token
from tests.log import count_timestamps, entry_of_timestamp, with_timestamps
from tests.ports import free_port

QUERY = {"Content-Type": "application/timestamp-query"}


@dataclass(frozen=True, slots=True)
class RunningTsa:
    """``port`` on the loopback interface; ``home`` is the authority's too."""

    port: int
    home: Home
    master: subprocess.Popen[bytes]

    @property
    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        found = subprocess.run(
            ["ps", "--ppid", str(self.master.pid), "-o", "pid="], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    def connect(self) -> socket.socket:
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, request: bytes) -> bytes:
        """The reply to one request on a connection of its own; fails on any status but 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/tsa", body=request, headers=QUERY)
            response = connection.getresponse()
            assert response.status == 200
            assert response.headers["Content-Type"] == "application/timestamp-reply"
            return response.read()
        finally:
            connection.close()

    def database(self) -> Database:
        """With all that was issued by now in its log."""
        return with_timestamps(self.home)

    def recorded(self) -> int:
        """How many timestamps the database has."""
        with self.database().reading() as tx:
            return count_timestamps(tx)

    def serials(self) -> set[int]:
        """The serials of all timestamps that the database has."""
        with self.database().reading() as tx:
            rows = tx.execute("SELECT serial FROM timestamps").fetchall()
        return {int.from_bytes(serial) for (serial,) in rows}

    def require_recorded(self, reply: bytes) -> TimestampInfo:
        """What the token in *reply* says; fails unless the log has its hash under its serial."""
        token = parse_response(reply)
        info = parse_token(token)
        with self.database().reading() as tx:
            entry = entry_of_timestamp(tx, info.serial)
            assert entry is not None, "a timestamp that was given out has no row"
            assert hashlib.sha256(token).hexdigest() in ledger.leaf(tx, entry).decode()
        return info


@contextmanager
def running_tsa(root: Path) -> Iterator[RunningTsa]:
    """Gunicorn with our settings over the home *root*, whose authority runs."""
    port = free_port()
    write_clearance(Home(root).clearance, Clearance(IssuingState.OPEN))  # what a scheduler would say
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webui.tsa.gunicorn", "--log-level", "warning"]
    master = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", "webui.tsa.process:create()"],
        env={**os.environ, "VERMILION_HOME": str(root)},
        start_new_session=True,
    )
    try:
        _wait_until_listening(port)
        yield RunningTsa(port, Home(root), master)
    finally:
        if master.poll() is None:
            master.terminate()
            master.wait(30)


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/tsa")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("the timestamp process does not answer")


def kill(process: int) -> None:
    """As the power goes."""
    os.kill(process, signal.SIGKILL)
