"""Requests that cannot be read are answered by portal, console and activation service with all headers that keep a
browser from running what stands in an answer, and in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest

from tests.portal.test_serving import Server, everything
from webui.shared.headers import HEADERS

CONFIGS = {
    "web": "tests.portal.served",
    "console": "webui.console.gunicorn",
    "activation": "webui.activation.gunicorn",
}
HTTPS = """\
[web]
public_url = "https://portal.example.com"
[console]
public_url = "https://console.example.com"
[activation]
public_url = "https://confirm.example.com"
"""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UNREADABLE = {
    b"GET <script>\r\n\r\n": 400,
    b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n": 414,
    GET + b"".join(b"X-%d: 1\r\n" % number for number in range(100)) + b"\r\n": 431,
    GET + b"X: " + b"x" * 9000 + b"\r\n\r\n": 431,
    GET + b"<script>: 1\r\n\r\n": 400,
    GET + b"Transfer-Encoding: <script>\r\n\r\n": 501,
    GET + b"Expect: 200-maybe\r\n\r\n": 417,
}


@pytest.fixture(scope="module", params=CONFIGS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    server = Server(folder, "app", CONFIGS[request.param], HTTPS)
    try:
        yield server
    finally:
        for each in server.connections:
            each.close()
        server.process.kill()
        server.process.wait()


@pytest.mark.parametrize(("sent", "status"), UNREADABLE.items(), ids=[str(each[-30:]) for each in UNREADABLE])
def test_a_request_that_cannot_be_read_is_answered_as_safely_as_others(
    server: Server, sent: bytes, status: int
) -> None:
    connection = server.connected()
    connection.sendall(sent)
    head, _, body = everything(connection).partition(b"\r\n\r\n")
    first, _, fields = head.partition(b"\r\n")
    found = BytesHeaderParser().parsebytes(fields + b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status), first
    assert {name: found[name] for name in HEADERS} == HEADERS
    assert found["Strict-Transport-Security"] and found["Cache-Control"] == "no-store"
    assert found["Content-Type"] == "text/plain; charset=utf-8" and int(found["Content-Length"]) == len(body)
    assert b"script" not in body, "nothing of the request comes back"
    chinese, english, rest = body.decode().split("\n")
    assert english.isascii() and english.endswith(".") and chinese.endswith("。") and not rest


def test_an_application_that_fails_tells_nothing_of_it(server: Server) -> None:
    connection = server.connected()
    connection.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")  # float("x")
    answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 500 ") and b"Content-Security-Policy: default-src 'none'" in answer
    assert b"ValueError" not in answer
