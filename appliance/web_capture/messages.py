"""HTTP/1.1 messages (RFC 9112) as octets: where one ends, and what a proxy changes in a request."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Final

import httptools

_BLOCK: Final = 64 * 1024
_LARGEST_HEAD: Final = 256 * 1024
_NOT_PASSED_ON: Final = re.compile(
    rb"^(?:proxy-connection|proxy-authorization|accept-encoding)\s*:[^\n]*\n", re.IGNORECASE | re.MULTILINE
)
_INTERIM: Final = re.compile(rb"(?:\r\n)*HTTP/1\.[01] 1\d\d[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n")
_OF_ADDRESS: Final = re.compile(rb"^[^/]*//[^/?#]*")
"""Scheme and host of an address in absolute form."""
_MOST_INTERIM: Final = 16
_FRAMING: Final = frozenset({"upgrade", "content-length", "transfer-encoding"})
"""The header fields that are looked at; a server can send millions of others."""
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CODINGS: Final = b"Accept-Encoding: gzip\r\n"
"""What every reader of archives unpacks: ReplayWeb.page shows what is in deflate or brotli as it is."""


class Malformed(Exception):
    """Octets that are no HTTP/1.1."""


class TooLarge(Exception):
    """A message over its limit."""


class BrowserRequest:
    """One request as the browser sent it: ``raw`` octets, what is in their first line, and the values of Host."""

    def __init__(self, raw: bytes, method: str, target: str, *, upgrades: bool, hosts: tuple[str, ...]) -> None:
        self.raw = raw
        self.method = method
        self.target = target
        self.upgrades = upgrades
        self.hosts = hosts

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again where nobody knows what became of it (RFC 9110, 9.2.2)."""
        return self.method in _REPEATABLE

    def is_for(self, host: str, port: int, usual: int) -> bool:
        """Whether it asks *host* for something of its own: the address that is recorded is what the server was
        asked for (RFC 9112, 3.2.2)."""
        shown = f"[{host}]" if ":" in host else host
        return [each.lower() for each in self.hosts] in (
            [f"{shown}:{port}"],
            *([[shown]] if port == usual else []),
        )

    def for_server(self, *, absolute: bool = False, fields: bytes = b"") -> bytes:
        """The request without what is the proxy's business: in origin form (RFC 9112, 3.2.1), or in *absolute*
        form (3.2.2), with *fields* for a proxy of the house."""
        head, _, body = self.raw.partition(b"\r\n\r\n")
        line, _, given = head.partition(b"\r\n")
        method, target, version = line.split(b" ", 2)
        if not absolute and not target.startswith(b"/") and target != b"*":
            rest = _OF_ADDRESS.sub(b"", target)  # as it is: an empty query and odd signs are the server's to judge
            target = rest if rest.startswith(b"/") else b"/" + rest
        kept = _NOT_PASSED_ON.sub(b"", given + b"\r\n")
        return b" ".join((method, target, version)) + b"\r\n" + kept + _CODINGS + fields + b"\r\n" + body


def read_request(line: socket.socket, *, largest: int) -> BrowserRequest | None:
    """The next request of the browser; None where it has closed. Raises :class:`Malformed`, :class:`TooLarge`;
    octets after the request are malformed, since browsers wait for an answer first."""
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
    framed = "transfer-encoding" in seen.fields or len(raw.partition(b"\r\n\r\n")[2]) == seen.body
    if seen.excess or not framed or parser.get_http_version() != "1.1":
        raise Malformed
    upgrades = "upgrade" in seen.fields
    target = seen.target.decode("ascii", "replace")
    return BrowserRequest(
        bytes(raw), parser.get_method().decode(), target, upgrades=upgrades, hosts=tuple(seen.hosts)
    )


class ServerResponse:
    """One response as it was received: ``raw``; ``whole`` unless the server or a limit cut it off (``why``);
    ``reusable``: the connection may carry another exchange; ``excess``: octets came after it that nobody asked
    for, which went nowhere; ``until_end``: only the end of the connection says that it is whole."""

    def __init__(
        self,
        raw: bytes,
        *,
        why: str = "",
        reusable: bool = False,
        excess: bool = False,
        until_end: bool = False,
    ) -> None:
        self.raw = raw
        self.why = why
        self.reusable = reusable
        self.excess = excess
        self.until_end = until_end


def read_response(
    line: socket.socket, method: str, pass_on: Callable[[bytes], None], allowed: Callable[[int], bool]
) -> ServerResponse:
    """The response to a request of *method*, passed on as it comes once its head is whole, as long as so many
    octets of it are *allowed*. Interim responses (1xx) are left out. Raises :class:`Malformed` and OSError before
    anything was passed on, and never after: what the browser was given is what is returned."""
    reading = _Response(method)
    received = 0
    while True:
        try:
            block = line.recv(_BLOCK)
        except OSError:
            return reading.ended("time")
        if not block:
            return reading.ended("" if reading.ends_with_connection else "disconnect")
        received += len(block)
        is_allowed = allowed(received)
        passed = reading.take(block, given=is_allowed)
        if not is_allowed:
            return reading.ended("length")
        pass_on(passed)
        if reading.response is not None:
            return reading.response


class _Response:
    """A response under way."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._seen, self._parser = _parser(method)
        self._raw = bytearray()
        self._passed = 0
        self.response: ServerResponse | None = None

    @property
    def ends_with_connection(self) -> bool:
        """Whether nothing else says where it ends."""
        return self._seen.headed and not {"content-length", "transfer-encoding"} & self._seen.fields

    def take(self, block: bytes, *, given: bool) -> bytes:
        """What of the octets so far is to be passed on now. Raises :class:`Malformed`."""
        self._raw += block
        if not given:
            return b""
        try:
            self._parser.feed_data(block)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as error:
            if not self._seen.final and not self._passed:
                raise Malformed from error
            if not self._seen.final:
                self.response = ServerResponse(bytes(self._raw), why="unspecified")
                return b""
            self._seen.excess = True
        if self._seen.interim > _MOST_INTERIM or (not self._seen.headed and len(self._raw) > _LARGEST_HEAD):
            raise Malformed
        if self._seen.final:
            self._complete(len(block))
        if self._seen.headed and not self._passed:
            del self._raw[: _start(self._raw)]
        if not self._seen.headed:
            return b""
        passed = bytes(self._raw[self._passed :])
        self._passed = len(self._raw)
        if self._seen.final:
            again = self._method != "HEAD" and not self._seen.excess and self._seen.again
            self.response = ServerResponse(bytes(self._raw), reusable=again, excess=self._seen.excess)
        return passed

    def _complete(self, last: int) -> None:
        """Cuts off what came after its end, which lies in the *last* octets."""
        if not (self._seen.excess or self._method == "HEAD" or self._raw.endswith(b"\r\n")):
            return
        seen, parser = _parser(self._method)
        at = len(self._raw) - last
        if self._passed:
            parser.feed_data(bytes(self._raw[:at]))
        else:
            at = 0
        while not seen.final:
            parser.feed_data(bytes(self._raw[at : at + 1]))
            at += 1
        self._seen.excess = at < len(self._raw)
        del self._raw[at:]

    def ended(self, why: str) -> ServerResponse:
        """It as far as it came. Raises OSError where there is nothing of it."""
        raw = bytes(self._raw if self._passed else self._raw[_start(self._raw) :])
        if not raw:
            raise OSError("closed")
        return ServerResponse(raw, why=why, until_end=not why)


def _parser(method: str) -> tuple[_Seen, httptools.HttpResponseParser]:
    seen = _Seen(is_head=method == "HEAD")
    parser = httptools.HttpResponseParser(seen)
    seen.status = parser.get_status_code
    seen.keeps = parser.should_keep_alive
    return seen, parser


def _start(raw: bytearray) -> int:
    """Where the final response begins: interim ones have no body (RFC 9110, 15.2)."""
    at = 0
    while found := _INTERIM.match(raw, at):
        at = found.end()
    return at


class _Seen:
    """What httptools tells of a message, or of several after one another: the last of them is the ``final`` one,
    and what follows that is ``excess``."""

    def __init__(self, *, is_head: bool = False) -> None:
        self._is_head = is_head
        self.status: Callable[[], int] | None = None
        self.keeps: Callable[[], bool] | None = None
        self.again = False
        """Whether the connection stays open after it (RFC 9112, 9.3): the parser knows that in its calls alone."""
        self.target = b""
        self.fields: set[str] = set()
        self.hosts: list[str] = []
        self.body = 0
        self.interim = 0
        self.headed = self.complete = self.final = self.excess = False

    def on_message_begin(self) -> None:
        if self.final or (self.complete and self.status is None):
            self.excess = True
            return
        self.complete = False
        self.fields = set()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        known = name.decode("latin-1").lower()
        if known in _FRAMING:
            self.fields.add(known)
        if known == "host":
            self.hosts.append(value.decode("latin-1"))

    def on_body(self, octets: bytes) -> None:
        self.body += len(octets)

    def on_headers_complete(self) -> None:
        if self.final:
            return
        self.headed = not self._is_interim()
        self.final = self.headed and self._is_head

    def on_message_complete(self) -> None:
        if self._is_interim() and not self.final:
            self.interim += 1
            return
        self.complete = True
        self.final = self.status is not None
        self.again = self.keeps is not None and self.keeps()

    def _is_interim(self) -> bool:
        return self.status is not None and self.status() < 200
