"""HTTP/1.1 messages (RFC 9112) as octets: where one ends, and what a proxy changes in a request."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import httptools

_BLOCK: Final = 64 * 1024
_LARGEST_HEAD: Final = 256 * 1024
_NOT_PASSED_ON: Final = re.compile(
    rb"^(?:proxy-connection|proxy-authorization|accept-encoding)\s*:[^\n]*\n", re.IGNORECASE | re.MULTILINE
)
_CODINGS: Final = b"Accept-Encoding: gzip, deflate\r\n"
"""Those that every reader of archives knows."""


class Malformed(Exception):
    """Octets that are no HTTP/1.1."""


class TooLarge(Exception):
    """A message over its limit."""


class BrowserRequest:
    """One request as the browser sent it: ``raw`` octets, and what is in their first line."""

    def __init__(self, raw: bytes, method: str, target: str, *, upgrades: bool) -> None:
        self.raw = raw
        self.method = method
        self.target = target
        self.upgrades = upgrades

    def for_server(self) -> bytes:
        """The request in origin form (RFC 9112, 3.2.1), without what is the proxy's business."""
        head, _, body = self.raw.partition(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        method, target, version = line.split(b" ", 2)
        if not target.startswith(b"/") and target != b"*":
            parts = urlsplit(target.decode("ascii"))
            target = (parts.path or "/").encode() + (f"?{parts.query}".encode() if parts.query else b"")
        kept = _NOT_PASSED_ON.sub(b"", fields + b"\r\n")
        return b" ".join((method, target, version)) + b"\r\n" + kept + _CODINGS + b"\r\n" + body


def read_request(line: socket.socket, *, largest: int) -> BrowserRequest | None:
    """The next request of the browser; None where it has closed. Raises :class:`Malformed`, :class:`TooLarge`."""
    seen = _Seen()
    parser = httptools.HttpRequestParser(seen)
    raw = bytearray()
    while not seen.complete:
        block = line.recv(_BLOCK)
        if not block:
            return None
        raw += block
        if len(raw) > largest:
            raise TooLarge
        try:
            parser.feed_data(block)
        except httptools.HttpParserUpgrade:
            break
        except httptools.HttpParserError as error:
            raise Malformed from error
    upgrades = "upgrade" in seen.fields
    return BrowserRequest(
        bytes(raw), parser.get_method().decode(), seen.target.decode("ascii", "replace"), upgrades=upgrades
    )


class ServerResponse:
    """One response as it was received: ``raw``; ``whole`` unless the server or a limit cut it off (``why``);
    ``reusable``: the connection may carry another exchange."""

    def __init__(self, raw: bytes, *, why: str = "", reusable: bool = False) -> None:
        self.raw = raw
        self.why = why
        self.reusable = reusable


def read_response(
    line: socket.socket, method: str, pass_on: Callable[[bytes], None], allowed: Callable[[int], bool]
) -> ServerResponse:
    """The response to a request of *method*, each block passed on as it comes, as long as so many octets of it are
    *allowed*. Interim responses (1xx) are passed on and left out. Raises :class:`Malformed`, OSError before the
    first octet."""
    seen = _Seen()
    parser = httptools.HttpResponseParser(seen)
    raw = bytearray()
    while True:
        try:
            block = line.recv(_BLOCK)
        except OSError:
            if not raw:
                raise
            return ServerResponse(_final(raw), why="time")
        if not block:
            return _at_end(raw, seen)
        raw += block
        if not allowed(len(raw)):
            return ServerResponse(_final(raw), why="length")
        try:
            parser.feed_data(block)
        except httptools.HttpParserUpgrade as error:
            raise Malformed from error
        except httptools.HttpParserError as error:
            raise Malformed from error
        pass_on(block)
        if _is_over(seen, parser, method):
            return ServerResponse(_final(raw), reusable=parser.should_keep_alive())
        if not seen.headed and len(raw) > _LARGEST_HEAD:
            raise Malformed


def _is_over(seen: _Seen, parser: httptools.HttpResponseParser, method: str) -> bool:
    if seen.headed and parser.get_status_code() >= 200 and method == "HEAD":
        return True
    return seen.complete and parser.get_status_code() >= 200


def _at_end(raw: bytearray, seen: _Seen) -> ServerResponse:
    if not raw:
        raise OSError("closed")
    framed = {"content-length", "transfer-encoding"} & seen.fields
    return ServerResponse(_final(raw), why="" if seen.headed and not framed else "disconnect")


def _final(raw: bytearray) -> bytes:
    """Without the interim responses before it, which have no body (RFC 9110, 15.2)."""
    octets = bytes(raw)
    while re.match(rb"HTTP/1\.[01] 1\d\d", octets) and b"\r\n\r\n" in octets:
        octets = octets.partition(b"\r\n\r\n")[2]
    return octets


class _Seen:
    """What httptools tells of a message, or of several after one another."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: set[str] = set()
        self.headed = False
        self.complete = False

    def on_message_begin(self) -> None:
        self.headed = self.complete = False
        self.fields = set()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, _value: bytes) -> None:
        self.fields.add(name.decode("latin-1").lower())

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_message_complete(self) -> None:
        self.complete = True
