"""One connection, whatever its client does with it: order kept, last answers seen, nobody else disturbed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest

from hsm.timestamp import build_request, order_for, parse_response, parse_token
from tests.conformance.endpoint import RunningTsa
from tests.conformance.test_http import HEAD, PLAIN, exchange, received
from webui.tsa.connection import MOST_AHEAD, MOST_AT_ONCE, TimestampConnection
from webui.tsa.process import TimestampWorker

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(PLAIN)


def asking(nonce: int, *, last: bool = False) -> bytes:
    request = build_request(order_for(bytes(32), nonce=nonce, certificates=False))
    end = b"Connection: close\r\n" if last else b""
    return HEAD + end + b"Content-Length: %d\r\n\r\n" % len(request) + request


def bodies(answers: bytes) -> list[bytes]:
    """The bodies of answers that follow one another."""
    found = []
    while answers:
        head, _, rest = answers.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(rest[:length])
        answers = rest[length:]
    return found


def test_requests_that_come_at_once_are_answered_in_order(tsa: RunningTsa) -> None:
    count = 3 * MOST_AHEAD
    sent = b"".join(asking(nonce, last=nonce == count) for nonce in range(1, count + 1))
    with tsa.connect() as connection:
        connection.sendall(sent)
        answers = bodies(received(connection))
    assert [parse_token(parse_response(body)).nonce for body in answers] == list(range(1, count + 1))


def test_a_refusal_waits_for_the_reply_before_it(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(asking(7) + b"GET /tsa HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = received(connection)
    assert answers.startswith(b"HTTP/1.1 200 OK")
    assert answers.index(b"HTTP/1.1 405") > answers.index(b"timestamp-reply")


def test_who_sends_no_more_still_gets_the_reply(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(asking(8))
        connection.shutdown(1)
        assert parse_response(bodies(received(connection))[0])


def test_who_sends_no_more_after_the_last_request_does_too(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(asking(8, last=True))
        connection.shutdown(1)
        assert parse_response(bodies(received(connection))[0])


def test_who_asks_before_sending_the_body_is_told_to_go_on(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.sendall(HEAD + LENGTH + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PLAIN)
        assert parse_response(bodies(received(connection))[0])


def test_http_1_0_keeps_the_connection_only_when_asked_to(tsa: RunningTsa) -> None:
    old = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + LENGTH
    _, headers, _ = exchange(tsa, old + b"\r\n" + PLAIN)
    assert headers["connection"] == "close"
    with tsa.connect() as connection:
        connection.sendall(old + b"Connection: keep-alive\r\n\r\n" + PLAIN)
        assert b"Connection: keep-alive" in connection.recv(4096)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"BREW /tsa HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /tsa\r\n\r\n", 400),
        (b"POST /tsa HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (HEAD + b"a: b\r\n" * 200 + b"\r\n", 431),
        (HEAD + b"a: " + b"b" * 40_000 + b"\r\n\r\n", 431),
        (HEAD.replace(b"\r\n", b"\n") + b"\n", 400),
        (HEAD + b"Content-Length : 1\r\n\r\nx", 400),
        (HEAD + b"Transfer-Encoding: identity\r\n\r\nx", 400),
        (CHUNKED + b"1\r\na\r\n0\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (CHUNKED + b"1\r\na\r\n0\r\na: " + b"b" * 60_000, 431),
        (CHUNKED + b"1;" + b"b" * 60_000, 431),
    ],
)
def test_what_is_refused_is_refused_by_name_and_the_connection_ends(
    tsa: RunningTsa, head: bytes, status: int
) -> None:
    found, headers, _ = exchange(tsa, head)
    assert found == status
    assert headers["connection"] == "close"


@pytest.mark.parametrize("others", [1, 2, 3])
def test_more_than_one_media_type_is_none(tsa: RunningTsa, others: int) -> None:
    head = b"POST /tsa HTTP/1.1\r\nHost: x\r\n" + b"Content-Type: a/b\r\n" * others
    kind = b"Content-Type: application/timestamp-query\r\nConnection: close\r\n"
    assert exchange(tsa, head + kind + LENGTH + b"\r\n" + PLAIN)[0] == 415


def test_http_1_0_knows_nothing_of_going_on(tsa: RunningTsa) -> None:
    old = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + LENGTH + b"Expect: 100-continue\r\n\r\n"
    assert exchange(tsa, old + PLAIN)[0] == 200


def test_another_protocol_that_is_offered_is_ignored(tsa: RunningTsa) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PLAIN), PLAIN)
    with tsa.connect() as connection:
        connection.sendall(HEAD + offer + LENGTH + b"\r\n" + PLAIN[:9])
        time.sleep(0.1)
        connection.sendall(PLAIN[9:] + HEAD + offer + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        connection.sendall(asking(3, last=True))
        answers = bodies(received(connection))
    assert len([parse_response(body) for body in answers]) == 3


def test_another_protocol_without_a_body_is_another_method(tsa: RunningTsa) -> None:
    status, _, _ = exchange(
        tsa, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    )
    assert status == 405


def test_trailers_say_nothing(tsa: RunningTsa) -> None:
    chunks = b"%x\r\n%s\r\n0\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" % (len(PLAIN), PLAIN)
    with tsa.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_who_leaves_while_others_wait_costs_them_nothing(tsa: RunningTsa) -> None:
    for _ in range(20):
        for _ in range(8):
            with tsa.connect() as leaving:
                leaving.sendall(asking(1, last=True))
        assert parse_response(tsa.ask(PLAIN))


def test_a_crowd_costs_the_longest_silent_its_place() -> None:
    async def crowd() -> tuple[list[bool], list[bool]]:
        present: dict[TimestampConnection, None] = {}
        never: list[Callable[[bytes], None]] = []

        worker = SimpleNamespace(_present=present)

        def made() -> TimestampConnection:
            TimestampWorker._make_room(worker, 3)
            return TimestampConnection(lambda _, deliver: never.append(deliver), present)

        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        waiting = await asyncio.open_connection("127.0.0.1", port)
        waiting[1].write(asking(1))
        silent = await asyncio.open_connection("127.0.0.1", port)
        while not never:
            await asyncio.sleep(0.01)
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        with suppress(ConnectionResetError):
            assert await silent[0].read() == b""
        busy = [each.busy for each in present]
        never[0](b"reply")
        assert (await waiting[0].read(100)).startswith(b"HTTP/1.1 200 OK")
        after = [each.busy for each in present]
        for _, writer in (waiting, silent, *others):
            writer.close()
        server.close()
        return busy, after

    busy, after = asyncio.run(crowd())
    assert busy == [True, False, False]
    assert after == [False, False, False]


def test_what_a_client_can_have_under_way_is_little() -> None:
    async def greedy() -> int:
        asked: list[bytes] = []
        present: dict[TimestampConnection, None] = {}
        server = await asyncio.get_running_loop().create_server(
            lambda: TimestampConnection(lambda request, _: asked.append(request), present), "127.0.0.1", 0
        )
        _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(asking(1) * 2000)
        while len(asked) < MOST_AHEAD:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        writer.transport.abort()
        for each in list(present):
            each.drop()
        await asyncio.sleep(0.01)
        server.close()
        return len(asked)

    assert asyncio.run(greedy()) <= MOST_AHEAD + MOST_AT_ONCE // len(asking(1))


def test_a_mistake_of_ours_ends_the_connection_instead_of_waiting_for_ever() -> None:
    async def mistaken() -> tuple[bytes, list[str]]:
        loop, said = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _, context: said.append(type(context["exception"].__context__).__name__))

        def fails(_request: bytes, _deliver: Callable[[bytes], None]) -> None:
            raise LookupError

        server = await loop.create_server(lambda: TimestampConnection(fails, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(asking(1))
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        return answer, said

    assert asyncio.run(mistaken()) == (b"", ["LookupError"])


def test_a_client_that_reads_nothing_is_not_read_either(tsa: RunningTsa) -> None:
    with tsa.connect() as connection:
        connection.settimeout(1)
        with suppress(TimeoutError):
            for _ in range(20_000):
                connection.sendall(asking(1))
        assert parse_response(tsa.ask(PLAIN)), "others are answered while it stays"
    wait_until_done(tsa)


def wait_until_done(tsa: RunningTsa) -> None:
    """What the client asked for before it left is issued all the same; other tests count what is recorded."""
    before = -1
    while (now := tsa.recorded()) != before:
        before = now
        time.sleep(2)
