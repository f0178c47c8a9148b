"""The portal's server: it ends quickly when it is told to, whoever keeps a connection open, and cuts nobody off;
what comes in is what the application sees."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

LONG_BEFORE = 60
"""Seconds: half of what requests have to end (``graceful_timeout`` in ``served.py``)."""
HEAD = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """Gunicorn with the settings of the module *config*, on a Unix socket as behind nginx."""

    def __init__(
        self, folder: Path, application: str, config: str = "tests.portal.served", settings: str = ""
    ) -> None:
        self.address = str(folder / "web.sock")
        self.connections: list[socket.socket] = []
        for name in ("run", "config"):
            (folder / name).mkdir(mode=0o700)
        (folder / "config/appliance.toml").write_text(settings)
        (folder / "config/appliance.toml").chmod(0o600)
        command = ("-m", "gunicorn", "--config", f"python:{config}")
        self.process = subprocess.Popen(
            [sys.executable, *command, "--bind", f"unix:{self.address}", f"tests.portal.served:{application}"],
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
        connection.settimeout(LONG_BEFORE)
        self.connections.append(connection)  # closed with them, also when it is refused
        connection.connect(self.address)
        return connection

    def end(self) -> None:
        """Tells it to end, which it does long before it would cut anybody off."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(LONG_BEFORE) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from served(tmp_path, "app")


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory.mktemp("echoing"), "echoing")


def served(folder: Path, application: str) -> Iterator[Server]:
    server = Server(folder, application)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        for each in server.connections:
            each.close()


def head_of(connection: socket.socket) -> bytes:
    """The next answer's status and fields."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += connection.recv(1)
    return found


def everything(connection: socket.socket) -> bytes:
    """What arrives until the other side ends, in whichever way it does."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            found += piece
    return found


def test_idle_connections_do_not_hold_up_the_end(server: Server) -> None:
    kept, silent = server.connected(), server.connected()
    kept.sendall(HEAD % b"0")
    assert head_of(kept).startswith(b"HTTP/1.1 200") and kept.recv(1) == b"."

    server.end()
    assert everything(kept) == everything(silent) == b""


def test_what_was_asked_or_begun_before_the_end_is_answered(server: Server) -> None:
    slow, uploading, beginning, ahead = (server.connected() for _ in range(4))
    slow.sendall(HEAD % b"3")
    uploading.sendall(b"POST /0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
    beginning.sendall(b"GET /0 HTTP/1.1\r\n")
    ahead.sendall(HEAD % b"0" + b"GET /0")
    assert head_of(ahead) and ahead.recv(1) == b"."
    time.sleep(0.2)

    server.process.send_signal(signal.SIGTERM)
    time.sleep(2.0)
    uploading.sendall(b"def")
    beginning.sendall(b"Host: localhost\r\n\r\n")
    ahead.sendall(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    for connection, body in ((slow, b"."), (uploading, b"abcdef."), (beginning, b"."), (ahead, b".")):
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n" + body)
        # What was asked before the end is answered with "keep-alive": its connection stays for 2 seconds.
        assert (b"connection: close" in answer.lower()) == (connection in (beginning, ahead))
    assert server.process.wait(LONG_BEFORE) == 0


def test_a_request_that_meets_the_end_on_its_way_is_answered(server: Server) -> None:
    kept = server.connected()
    kept.sendall(HEAD % b"0")
    assert head_of(kept).startswith(b"HTTP/1.1 200") and kept.recv(1) == b"."

    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    kept.sendall(HEAD % b"0")

    answer = everything(kept)
    assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer.lower()


def seen(server: Server, head: bytes, body: bytes = b"") -> dict[str, Any]:
    """What the application saw of a request."""
    connection = server.connected()
    connection.sendall(b"POST " + head + b"Host: localhost\r\nConnection: close\r\n\r\n" + body)
    answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def test_a_body_in_pieces_arrives_whole(echoing: Server) -> None:
    head = b"/%E9%AA%8C%E8%AF%81 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    found = seen(echoing, head, b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
    assert (found["path"], found["body"]) == ("验证", "one two")


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 7\r\n\r\none", b"Transfer-Encoding: chunked\r\n\r\n7\r\none"]
)
def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(echoing: Server, framing: bytes) -> None:
    connection = echoing.connected()
    connection.sendall(b"POST /x HTTP/1.1\r\nHost: localhost\r\n" + framing)
    connection.shutdown(socket.SHUT_WR)
    assert not everything(connection).startswith(b"HTTP/1.1 200")


def test_a_head_request_has_no_body(echoing: Server) -> None:
    connection = echoing.connected()
    connection.sendall(b"HEAD /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert everything(connection).endswith(b"\r\n\r\n")


def test_a_header_with_an_underscore_cannot_pass_for_another(echoing: Server) -> None:
    found = seen(echoing, b"/x HTTP/1.1\r\nX_Forwarded_For: 6.6.6.6\r\n")
    assert (found["told"]["X-Forwarded-For"], found["visitor"]) == (None, "")


@pytest.mark.parametrize("header", [b"SCRIPT_NAME: /contracts", b"SCRIPT_NAME: //x.example", b"PATH_INFO: /other"])
def test_no_header_changes_the_path(echoing: Server, header: bytes) -> None:
    assert seen(echoing, b"/contracts/x HTTP/1.1\r\n" + header + b"\r\n")["path"] == "contracts/x"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (b"X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n", "198.51.100.7"),
        (b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n", "198.51.100.7"),
        (b"X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7"),
        (b"X-Forwarded-For: <script>\r\n", ""),
        (b"", ""),
    ],
    ids=["the proxy's word", "its last header", "IPv6", "no address", "nobody says"],
)
def test_over_the_unix_socket_the_proxy_says_where_a_visitor_comes_from(
    echoing: Server, told: bytes, address: str
) -> None:
    assert seen(echoing, b"/x HTTP/1.1\r\n" + told)["visitor"] == address


def test_the_worker_shows_that_it_lives(echoing: Server) -> None:
    [sign] = Path(echoing.address).parent.glob("run/pulses/web-*")
    before = sign.stat().st_mtime
    deadline = time.monotonic() + 60
    while sign.stat().st_mtime == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
