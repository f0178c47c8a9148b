"""HTTP as hostile and clumsy clients speak it: never a 5xx for what they sent, never a wait for others."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

import pytest

from hsm.timestamp import build_request, order_for, parse_response, parse_token
from tests.conformance.endpoint import QUERY, RunningTsa

PLAIN = build_request(order_for(bytes(32)))
HEAD = b"POST /tsa HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/timestamp-query\r\n"


def exchange(tsa: RunningTsa, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and the rest of what comes back until the other side closes."""
    with tsa.connect() as connection:
        connection.sendall(sent)
        connection.settimeout(60)
        head, _, body = received(connection).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


def received(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405_and_told_which_is_allowed(tsa: RunningTsa, method: str) -> None:
    connection = HTTPConnection("127.0.0.1", tsa.port, timeout=60)
    for _ in range(2):  # the connection stays usable
        connection.request(method, "/tsa", body=PLAIN if method in ("PUT", "PATCH") else None, headers=QUERY)
        response = connection.getresponse()
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        assert (response.read() == b"") is (method == "HEAD")
    connection.close()


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/timestamp-reply", "application/json"])
def test_another_media_type_is_415(tsa: RunningTsa, kind: str | None) -> None:
    connection = HTTPConnection("127.0.0.1", tsa.port, timeout=60)
    connection.request("POST", "/tsa", body=PLAIN, headers={} if kind is None else {"Content-Type": kind})
    assert connection.getresponse().status == 415
    connection.close()


@pytest.mark.parametrize("kind", ["application/timestamp-query; x=y", "Application/Timestamp-Query"])
def test_the_media_type_may_have_parameters_and_any_case(tsa: RunningTsa, kind: str) -> None:
    connection = HTTPConnection("127.0.0.1", tsa.port, timeout=60)
    connection.request("POST", "/tsa", body=PLAIN, headers={"Content-Type": kind})
    assert parse_response(connection.getresponse().read())
    connection.close()


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_64_kib_is_read_and_refused_with_413(tsa: RunningTsa, size: int, chunked: bool) -> None:
    connection = HTTPConnection("127.0.0.1", tsa.port, timeout=60)
    body = iter([b"x" * size]) if chunked else b"x" * size
    connection.request("POST", "/tsa", body=body, headers=QUERY, encode_chunked=chunked)
    response = connection.getresponse()
    assert response.status == 413
    assert b"65536" in response.read()
    connection.close()


def test_a_body_of_exactly_64_kib_is_only_a_bad_request(tsa: RunningTsa) -> None:
    assert len(tsa.ask(b"x" * 65536)) < 500


def test_an_endless_body_is_cut_off(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100000000000\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(4000):
                connection.sendall(b"x" * 65536)


def test_differing_lengths_are_refused(tsa: RunningTsa) -> None:
    for lengths in (b"Content-Length: 59\r\nContent-Length: 60\r\n", b"Content-Length: 59, 60\r\n"):
        status, _, _ = exchange(tsa, HEAD + lengths + b"Connection: close\r\n\r\n" + PLAIN)
        assert status == 400


def test_a_length_beside_chunks_is_refused(tsa: RunningTsa) -> None:
    framing = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    status, _, _ = exchange(tsa, HEAD + framing)
    assert status == 400


@pytest.mark.parametrize(
    "head",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /tsa HTTP/9.9\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: abc\r\n\r\n",
        HEAD + b"Content-Length: +59\r\n\r\n" + PLAIN,
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + PLAIN,
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: identity\r\n\r\n" + PLAIN,
        HEAD + b"Expect: a miracle\r\nContent-Length: 59\r\n\r\n" + PLAIN,
        HEAD + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        HEAD + b"Upgrade: h2c\r\nHTTP2-Settings: AAAA\r\nConnection: upgrade, HTTP2-Settings\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /tsa HTTP/1.1\r\nHost: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        HEAD + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_http_is_the_clients_fault(tsa: RunningTsa, head: bytes) -> None:
    with tsa.connect() as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = received(connection)
    assert answer == b"" or int(answer.split()[1]) < 500
    assert parse_response(tsa.ask(PLAIN))


def test_chunks_are_put_together(tsa: RunningTsa) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, bytes([byte])) for byte in PLAIN) + b"0\r\n\r\n"
    status, headers, body = exchange(
        tsa, HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
    )
    assert (status, headers["content-type"]) == (200, "application/timestamp-reply")
    assert parse_response(body)


def test_one_connection_serves_many_requests(tsa: RunningTsa) -> None:
    connection = HTTPConnection("127.0.0.1", tsa.port, timeout=60)
    connection.connect()
    own = connection.sock
    for _ in range(150):
        connection.request("POST", "/tsa", body=PLAIN, headers=QUERY)
        assert parse_response(connection.getresponse().read())
        assert connection.sock is own
    connection.close()


def test_a_body_that_comes_byte_by_byte_is_served(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PLAIN))
        for byte in PLAIN:
            connection.sendall(bytes([byte]))
        assert b"200 OK" in received(connection)


def test_fifty_half_open_connections_make_nobody_wait(tsa: RunningTsa) -> None:
    halves = [HEAD[:40], HEAD + b"Content-Length: 59\r\n\r\n" + PLAIN[:20]]
    waiting = [tsa.connect() for _ in range(50)]
    try:
        for number, connection in enumerate(waiting):
            connection.sendall(halves[number % 2])
        for _ in range(20):  # the half-open ones stay for longer than a client waits here
            assert parse_response(tsa.ask(PLAIN))
    finally:
        for connection in waiting:
            connection.close()


def test_a_half_open_request_is_served_once_it_is_whole(tsa: RunningTsa) -> None:
    """They did not wait for each other, and nobody lost patience with the slow ones."""
    whole = HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PLAIN) + PLAIN
    cuts = [len(HEAD) - 10, len(whole) - 20] * 25
    waiting = [tsa.connect() for _ in cuts]
    try:
        for connection, cut in zip(waiting, cuts, strict=True):
            connection.sendall(whole[:cut])
        assert parse_response(tsa.ask(PLAIN))
        for connection, cut in zip(waiting, cuts, strict=True):
            connection.sendall(whole[cut:])
        for connection in waiting:
            assert received(connection).startswith(b"HTTP/1.1 200 ")
    finally:
        for connection in waiting:
            connection.close()


def test_hundreds_of_open_connections_make_nobody_wait(tsa: RunningTsa) -> None:
    waiting = [tsa.connect() for _ in range(400)]
    try:
        assert parse_response(tsa.ask(PLAIN))
    finally:
        for connection in waiting:
            connection.close()


def test_pipelined_requests_are_answered_in_order(tsa: RunningTsa) -> None:
    nonces = range(1, 31)
    requests = [build_request(order_for(bytes(32), nonce=nonce)) for nonce in nonces]
    whole = b"".join(HEAD + b"Content-Length: %d\r\n\r\n" % len(each) + each for each in requests)
    with tsa.connect() as connection:
        connection.sendall(whole)
        answers = connection.makefile("rb")
        for nonce in nonces:
            assert answers.readline().startswith(b"HTTP/1.1 200 ")
            headers = dict(line.lower().split(b": ", 1) for line in iter(answers.readline, b"\r\n"))
            reply = answers.read(int(headers[b"content-length"]))
            assert parse_token(parse_response(reply)).nonce == nonce


def test_the_reply_is_not_to_be_kept(tsa: RunningTsa) -> None:
    _, headers, _ = exchange(tsa, HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PLAIN) + PLAIN)
    assert headers["cache-control"] == "no-store"
