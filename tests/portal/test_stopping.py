"""The portal's worker ends quickly when it is told to, whoever keeps a connection open, and cuts nobody off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

GRACE = 10
"""Seconds that requests under way have (``graceful_timeout``), and that idle connections must not take."""

QUICKLY = 8.0
HEAD = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """Gunicorn with the portal's worker, on a Unix socket as behind nginx."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "web.sock")
        self.connections: list[socket.socket] = []
        (folder / "run").mkdir()
        options = ("--graceful-timeout", str(GRACE), "--keep-alive", "30", "--no-control-socket")
        command = ("-m", "gunicorn", "-k", "webui.portal.worker.Worker", *options)
        self.process = subprocess.Popen(
            [sys.executable, *command, "--bind", f"unix:{self.address}", "tests.portal.stopping:app"],
            env={**os.environ, "VERMILION_HOME": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not Path(self.address).exists() or not self._answers():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(ConnectionRefusedError), self.connected() as connection:
            connection.sendall(HEAD % b"0")
            return connection.recv(1000).startswith(b"HTTP/1.1 200")
        return False

    def connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(self.address)
        self.connections.append(connection)
        return connection

    def ended(self) -> float:
        """Tells it to end; how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        return time.monotonic() - began


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    served = Server(tmp_path)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait()
        for each in served.connections:
            each.close()


def everything(connection: socket.socket) -> bytes:
    """What arrives until the other side ends."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def test_idle_connections_do_not_hold_up_the_end(server: Server) -> None:
    kept, silent = server.connected(), server.connected()
    kept.sendall(HEAD % b"0")
    assert kept.recv(1000).startswith(b"HTTP/1.1 200")

    assert server.ended() < QUICKLY
    assert everything(kept) == everything(silent) == b""


def test_what_was_asked_or_begun_before_the_end_is_answered(server: Server) -> None:
    slow, uploading, beginning, ahead = (server.connected() for _ in range(4))
    slow.sendall(HEAD % b"3")
    uploading.sendall(b"POST /0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
    beginning.sendall(b"GET /0 HTTP/1.1\r\n")
    ahead.sendall(HEAD % b"0" + b"GET /0")
    assert ahead.recv(1000).endswith(b"\r\n\r\n.")
    time.sleep(0.2)

    server.process.send_signal(signal.SIGTERM)
    time.sleep(2.0)
    uploading.sendall(b"def")
    beginning.sendall(b"Host: localhost\r\n\r\n")
    ahead.sendall(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    for connection, body in ((slow, b"."), (uploading, b"abcdef."), (beginning, b"."), (ahead, b".")):
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n" + body)
        assert b"connection: close" in answer.lower()
    assert server.process.wait(QUICKLY) == 0


def test_a_request_that_meets_the_end_on_its_way_is_answered(server: Server) -> None:
    kept = server.connected()
    kept.sendall(HEAD % b"0")
    assert kept.recv(1000).startswith(b"HTTP/1.1 200")

    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    kept.sendall(HEAD % b"0")

    answer = everything(kept)
    assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer.lower()
