"""One client's connection: HTTP/1.1 as far as a timestamp service needs it, read by llhttp (``httptools``).

``http_answers.py`` says what is answered to what. Here is only how: replies in the order of their requests,
however many come at once; bodies counted and drained; a connection closed so that the client still sees the last
answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import httptools

from webui.tsa.http_answers import (
    BROKEN,
    HEAD_TOO_LARGE,
    LARGEST_BODY,
    LARGEST_HEAD,
    METHOD_UNKNOWN,
    MOST_DRAINED,
    MOST_FIELDS,
    TOO_LARGE,
    VERSION_UNKNOWN,
    HttpAnswer,
    http_refusal,
    timestamp_response,
)

Ask = Callable[[bytes, Callable[[bytes], None]], None]
"""Takes a DER request and whom to give the DER reply, soon or at once."""

_FRAMING = frozenset({b"content-type", b"content-length", b"transfer-encoding", b"expect"})
"""What of a head says how its body is to be read."""

MOST_AHEAD = 16
"""Requests under way at which no more is read; with those in what was read before, there can be more."""

MOST_AT_ONCE = 8 * 1024
"""Bytes that are read at once, hence what a client can add to what it has under way: a few dozen requests."""

_ARRIVING = memoryview(bytearray(MOST_AT_ONCE))

LINGER = 5.0
"""Seconds in which a client may read the last answer while what it still sends is thrown away."""


class _PendingReply:
    """The place of one request in the order of replies; ``reply`` is empty until it is known."""

    __slots__ = ("last", "old", "reply")

    def __init__(self) -> None:
        self.reply = b""
        self.last = False
        self.old = False


class _Request:
    """What has arrived of a request: ``read`` counts its bytes, ``head`` those of its line and fields."""

    __slots__ = ("body", "expects", "fields", "framing", "head", "in_head", "kinds", "read", "refused", "useful")

    def __init__(self) -> None:
        self.in_head = True
        self.read = self.head = self.fields = self.useful = 0
        self.kinds: list[bytes] = []
        self.expects = False
        self.framing: list[tuple[bytes, bytes]] = []
        self.refused: HttpAnswer | None = None
        self.body = bytearray()

    @property
    def kind(self) -> str | None:
        """The media type; two of them say nothing."""
        return self.kinds[0].decode("latin-1") if len(self.kinds) == 1 else None

    @property
    def overlong(self) -> bool:
        """Whether line and fields, trailers included, are too many or too large."""
        return self.head > LARGEST_HEAD or self.fields > MOST_FIELDS


class TimestampConnection(asyncio.BufferedProtocol):
    """A connection in the serving loop; *present* has those that are open, the longest idle first."""

    def __init__(self, ask: Ask, present: dict[TimestampConnection, None]) -> None:
        self._ask = ask
        self._present = present
        self._loop = asyncio.get_running_loop()
        self._pending: deque[_PendingReply] = deque()
        self._request = _Request()

    # --- the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counted from now on."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._ending = self._gone = self._full = False
        self._discarded = 0
        self._lingering: asyncio.TimerHandle | None = None
        self.silent_since = self._loop.time()
        self._present[self] = None

    def get_buffer(self, _hint: int) -> memoryview:
        """Where what arrives is put: one place for all, since it is taken from there at once."""
        return _ARRIVING

    def buffer_updated(self, size: int) -> None:
        """Whatever arrived: requests, parts of them, or nonsense."""
        data = bytes(_ARRIVING[:size])
        if self._ending:
            self._discard(len(data))
            return
        self._request.read += len(data)
        while data:
            data = self._feed(data)
        self._enforce_limits()

    def eof_received(self) -> bool:
        """Nothing more will come; who has asked still gets the replies."""
        self._ending = True
        if self._pending:
            self._pending[-1].last = True
        return bool(self._pending)

    def pause_writing(self) -> None:
        """The client does not read its replies: nothing more is taken from it."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        """Replies that are still being made find nobody."""
        self._gone = True
        if self._lingering is not None:
            self._lingering.cancel()
        self._present.pop(self, None)

    # --- the parser's calls

    def on_message_begin(self) -> None:
        self._request = _Request()

    def on_url(self, url: bytes) -> None:
        """Every address is the service's; it only counts."""
        self._request.head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field; those after the body (trailers) say nothing that matters here."""
        self._request.fields += 1
        self._request.head += len(name) + len(value)
        if self._request.in_head:
            lower = name.lower()
            if lower == b"content-type":
                self._request.kinds.append(value)
            elif lower == b"expect":
                self._request.expects = value.lower() == b"100-continue"
            if lower in _FRAMING:
                self._request.framing.append((name, value))
            elif lower == b"connection" and b"close" in value.lower():
                self._request.framing.append((name, b"close"))

    def on_headers_complete(self) -> None:
        """The head is whole: whether its body will be of any use is known."""
        if self._offers_another_protocol():
            return
        request = self._request
        request.in_head = False
        if request.overlong:
            request.refused = HEAD_TOO_LARGE
        elif self._parser.get_http_version() not in ("1.0", "1.1"):
            request.refused = VERSION_UNKNOWN
        else:
            request.refused = http_refusal(self._parser.get_method().decode(), request.kind)
        waits = request.expects and self._parser.get_http_version() == "1.1"  # RFC 9110, 10.1.1
        if waits and not self._pending and not self._ending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body, kept until it is seen to be of no use."""
        self._request.useful = self._request.read
        if self._request.refused is None and len(self._request.body) <= LARGEST_BODY:
            self._request.body += body

    def on_message_complete(self) -> None:
        """The request is whole: it is answered now, or asked for."""
        if self._ending or self._offers_another_protocol():
            return
        pending = self._queue_reply()
        if self._request.overlong:
            self._answer(pending, HEAD_TOO_LARGE)
        elif self._request.refused is not None:
            self._answer(pending, self._request.refused, with_body=self._parser.get_method() != b"HEAD")
        elif len(self._request.body) > LARGEST_BODY:
            self._answer(pending, TOO_LARGE)
        else:
            self._ask(bytes(self._request.body), lambda reply: self._answer(pending, timestamp_response(reply)))
        self._request = _Request()

    # --- replies

    def close_when_idle(self) -> None:
        """At the end of the service: after the replies that are being made, or at once."""
        if self._pending:
            self._pending[-1].last = True
            self._ending = True
        else:
            self._transport.close()

    @property
    def busy(self) -> bool:
        """Whether replies are being made for it."""
        return bool(self._pending)

    def drop(self) -> None:
        """Closes at once; its place is free before the loop has heard of it."""
        self._present.pop(self, None)
        self._transport.abort()

    def _offers_another_protocol(self) -> bool:
        return self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT"

    def _queue_reply(self) -> _PendingReply:
        pending = _PendingReply()
        pending.last = self._parser.should_upgrade() or not self._parser.should_keep_alive()
        pending.old = self._parser.get_http_version() == "1.0"
        self._ending = pending.last
        self._pending.append(pending)
        if len(self._pending) >= MOST_AHEAD:
            self._transport.pause_reading()
        return pending

    def _answer(self, pending: _PendingReply, answer: HttpAnswer, *, with_body: bool = True) -> None:
        if answer.closes:
            pending.last = self._ending = True
        connection = "close" if pending.last else "keep-alive" if pending.old else ""
        pending.reply = answer.to_bytes(connection=connection, with_body=with_body)
        if self._gone:
            return
        while self._pending and self._pending[0].reply:
            first = self._pending.popleft()
            self._transport.write(first.reply)
            if first.last:
                self._end_sending()
                return
        self._become_idle()

    def _become_idle(self) -> None:
        """Idle again, so it is dropped last when there are too many connections."""
        self.silent_since = self._loop.time()
        self._present[self] = self._present.pop(self, None)
        if not self._full and len(self._pending) < MOST_AHEAD:
            self._transport.resume_reading()

    def _refuse(self, answer: HttpAnswer) -> None:
        """The last answer of this connection, after those that are still being made."""
        if self._ending:
            return  # nothing may follow the last request, and it is on its way
        self._ending = True
        pending = _PendingReply()
        self._pending.append(pending)
        self._answer(pending, answer)

    def _end_sending(self) -> None:
        """Ends our side and discards what the client still sends for a moment: otherwise it would see a reset."""
        self._pending.clear()
        if self._transport.is_closing():
            return
        with suppress(OSError):  # the client may have gone without a word
            self._transport.write_eof()
        if not self._full:
            self._transport.resume_reading()
        self._lingering = self._loop.call_later(LINGER, self._transport.abort)

    def _feed(self, data: bytes) -> bytes:
        """Gives *data* to the parser; what is left of it to be read again."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self._refuse(METHOD_UNKNOWN)
        except httptools.HttpParserCallbackError:
            raise  # a defect of ours: the loop logs it and closes this connection
        except httptools.HttpParserError:
            self._refuse(BROKEN)
        return b""

    def _without_upgrade(self, rest: bytes) -> bytes:
        """A client that offers another protocol (Java's own client does, each time) is served in this one.

        The parser stops behind the head, without the body; so the head is read again without the offer.
        """
        if self._ending:
            return b""
        head = b"".join(name + b": " + value + b"\r\n" for name, value in self._request.framing)
        line = self._parser.get_method() + b" / HTTP/" + self._parser.get_http_version().encode() + b"\r\n"
        self._parser = httptools.HttpRequestParser(self)
        return line + head + b"\r\n" + rest

    def _enforce_limits(self) -> None:
        if self._ending:
            return
        if self._request.in_head:
            if self._request.read > LARGEST_HEAD or self._request.fields > MOST_FIELDS:
                self._refuse(HEAD_TOO_LARGE)
        elif self._request.read > MOST_DRAINED:
            self._refuse(TOO_LARGE)
        elif self._request.read - self._request.useful > LARGEST_HEAD + MOST_AT_ONCE:
            self._refuse(HEAD_TOO_LARGE)  # only trailers, or what stands beside chunk sizes

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > MOST_DRAINED:
            self._transport.abort()
