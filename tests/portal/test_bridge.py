"""The bridge between the event loop and Flask: what comes in is what the application sees."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from webui.portal.bridge import Bridge, Message, is_path
from webui.portal.environment import environment_of


def scope(**changes: Any) -> Message:
    return {
        "type": "http",
        "method": "POST",
        "path": "/验证",
        "raw_path": b"/%E9%AA%8C%E8%AF%81",
        "query_string": b"a=1",
        "headers": [(b"host", b"localhost"), (b"content-type", b"text/plain")],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8080),
    } | changes


def served(bridge: Bridge, asked: Message, *pieces: bytes) -> list[Message]:
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces[:-1]]
    waiting.append({"type": "http.request", "body": pieces[-1]})

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(bridge.serve(asked, receive, send))
    return sent


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Length", environ["CONTENT_LENGTH"])])
    return [environ["PATH_INFO"].encode("latin-1"), b" ", environ["wsgi.input"].read()]


def test_a_body_in_pieces_arrives_whole() -> None:
    start, body = served(Bridge(echo, threads=1, room=lambda *_: 100), scope(), b"one ", b"two")
    assert start["status"] == 200
    assert (b"x-length", b"7") in start["headers"]
    assert body["body"] == "/验证 one two".encode()


def test_of_too_much_one_byte_more_than_the_limit_is_kept() -> None:
    start, _ = served(Bridge(echo, threads=1, room=lambda *_: 4), scope(), b"123", b"456", b"789")
    assert (b"x-length", b"5") in start["headers"]


def test_a_head_request_has_no_body() -> None:
    _, body = served(Bridge(echo, threads=1, room=lambda *_: 4), scope(method="HEAD"), b"")
    assert body["body"] == b""


def test_a_client_that_goes_away_is_not_served() -> None:
    def never(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise AssertionError("served")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(Bridge(never, threads=1, room=lambda *_: 4).serve(scope(), receive, send))


def test_a_header_with_an_underscore_cannot_pass_for_another() -> None:
    headers = [(b"x_forwarded_for", b"6.6.6.6"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"x")]
    environ = environment_of(scope(headers=headers), io.BytesIO(), 0)
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize(
    ("raw", "same"), [(b"/tsa", True), (b"/%74sa", True), (b"/tsa?x", True), (b"/tsa/", False), (b"/", False)]
)
def test_paths_are_compared_decoded(raw: bytes, same: bool) -> None:
    assert is_path(scope(raw_path=raw), "/tsa") is same


FROM_PROXY = (b"x-forwarded-for", b"203.0.113.9, 198.51.100.7")


@pytest.mark.parametrize(
    ("client", "headers", "address"),
    [
        (("192.0.2.1", 5000), [FROM_PROXY], "192.0.2.1"),
        (("", 0), [FROM_PROXY], "198.51.100.7"),
        (("", 0), [(b"x-forwarded-for", b"203.0.113.9"), FROM_PROXY], "198.51.100.7"),
        (("", 0), [(b"x-forwarded-for", b"2001:db8::7")], "2001:db8::7"),
        (("", 0), [(b"x-forwarded-for", b"<script>")], ""),
        (None, [], ""),
    ],
    ids=["tcp is never told", "the proxy's word", "its last header", "IPv6", "no address", "nobody says"],
)
def test_only_the_proxy_on_the_unix_socket_says_where_a_visitor_comes_from(
    client: object, headers: list[tuple[bytes, bytes]], address: str
) -> None:
    seen = environment_of(scope(client=client, headers=headers), io.BytesIO(), 0)
    assert seen["REMOTE_ADDR"] == address
