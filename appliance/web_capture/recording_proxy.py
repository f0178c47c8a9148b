"""The only way out of a capture's browser: a proxy that writes down what passes.

It listens inside the browser's network namespace and works outside of it. A request that goes nowhere (a forbidden
or unknown host, a limit, a change to another protocol) gets a 502 that is in no record; the capture tells it.
"""

from __future__ import annotations

import hashlib
import resource
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTP_PORT, HTTPS_PORT
from typing import Final
from urllib.parse import urlsplit

from appliance.web_capture.destinations import NO_ROOM, NotVisited, is_for_want_of_room
from appliance.web_capture.interception import Interception
from appliance.web_capture.messages import (
    BrowserRequest,
    Malformed,
    ServerResponse,
    TooLarge,
    read_request,
    read_response,
)
from appliance.web_capture.model import MOST_TOLD, CaptureLimits, RefusedRequest, Traffic
from appliance.web_capture.upstream import PATIENCE, Connecting, Upstream
from appliance.web_capture.warc import RecordType, WarcFile, record_id

_LARGEST_REQUEST: Final = 16 * 1024 * 1024
_FAREWELL: Final = 5.0
"""Seconds for what is under way when the capture ends."""
_BESIDE: Final = 64
"""Descriptors for everything but connections."""
_EACH: Final = 3
"""Descriptors that one connection takes at most: browser, server, and for a moment a resolver or a certificate."""
_AGAIN: Final = 0.05
"""Seconds until the browser's connections are looked at again, where there was no descriptor for one."""
_LOOK: Final = 0.1
"""Seconds after which it is noticed that no more connections are wanted."""
_REFUSED: Final = b"HTTP/1.1 502 Not captured\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_UNKNOWN_TO_PROXY: Final = (b"HTTP/1.1 407", b"HTTP/1.0 407")
_TUNNEL: Final = b"HTTP/1.1 200 OK\r\n\r\n"
_HANDSHAKE: Final = b"\x16"
"""The first octet of TLS (RFC 8446, 5.1)."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the proxy works with, and writes to; without ``warc`` it records nothing."""

    warc: WarcFile | None
    traffic: Traffic
    connecting: Connecting
    interception: Interception
    limits: CaptureLimits
    clock: Callable[[], datetime]


class RecordingProxy:
    """Serves the connections of *listener*, each in a thread of its own, until it is closed. The listener stays
    open for another proxy, which gets nothing of what this one was asked for."""

    def __init__(self, listener: socket.socket, recorder: Recorder) -> None:
        self._listener = listener
        self._recorder = recorder
        self._turn = threading.Lock()
        self._open: set[socket.socket] = set()
        self._serving: set[threading.Thread] = set()
        self._closed = False
        self._places = threading.BoundedSemaphore(min(recorder.limits.connections, _room()))
        self._under_way = 0
        self._refusals: dict[bytes, str] = {}
        self._asked = 0
        self._last = recorder.clock()
        self._accepting = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._accepting.start()

    @property
    def idle_since(self) -> datetime | None:
        """Since when nothing is under way; None while something is."""
        with self._turn:
            return None if self._under_way else self._last

    def close(self) -> None:
        """Ends every connection; what was cut off is recorded as such before this returns, unless it takes too
        long."""
        with self._turn:
            self._closed = True
            lines = list(self._open)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _FAREWELL
        with self._turn:
            serving = list(self._serving)
        for each in serving:
            each.join(max(0.0, deadline - time.monotonic()))
        self._accepting.join()  # what it has accepted meanwhile is closed as it is entered
        for line in lines:
            line.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, so that connections end because of that."""
        with self._turn:
            return self._closed

    def _accept(self) -> None:
        self._listener.settimeout(_LOOK)
        while not self.is_closed:
            try:
                line, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if is_for_want_of_room(error):
                    time.sleep(_AGAIN)
                    continue
                return
            if not self._places.acquire(timeout=PATIENCE):
                line.close()
                continue
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with self._turn:
            self._serving.add(threading.current_thread())
        try:
            with _Kept(self, line), suppress(OSError, Malformed, TooLarge, ValueError):
                _Conversation(self, self._recorder, line).run()
        finally:
            with self._turn:
                self._serving.discard(threading.current_thread())
            self._places.release()

    def enter(self, line: socket.socket) -> None:
        with self._turn:
            if self._closed:
                line.close()
            self._open.add(line)

    def leave(self, line: socket.socket) -> None:
        with self._turn:
            self._open.discard(line)
        line.close()

    def begin(self) -> None:
        with self._turn:
            self._under_way += 1

    def end(self) -> None:
        with self._turn:
            self._under_way -= 1
            self._last = self._recorder.clock()

    def admit(self, size: int) -> bool:
        """Counts a request of so many octets; False where there were enough of either."""
        limits = self._recorder.limits
        with self._turn:
            if self._recorder.traffic.requests >= limits.requests or self._asked + size > limits.bytes:
                return False
            self._recorder.traffic.requests += 1
            self._asked += size
            return True

    def may_receive(self, before: int, now: int) -> bool:
        """Counts octets of a response that has grown from *before* to *now*."""
        traffic, limits = self._recorder.traffic, self._recorder.limits
        with self._turn:
            traffic.received += now - before
            return now <= limits.response and traffic.received <= limits.bytes

    def tell(self, kept: list[RefusedRequest], address: str, why: str) -> None:
        """Notes a request that was refused or cut."""
        traffic = self._recorder.traffic
        with self._turn:
            if kept is traffic.refused:
                traffic.refused_in_all += 1
                self._refusals[_named(address)] = why
            else:
                traffic.cut_in_all += 1
            if len(kept) < MOST_TOLD:
                kept.append(RefusedRequest(address[:2000], why))

    def why_refused(self, address: str) -> str:
        """Why *address* was refused the last time that it was, whether that is told or not; empty where it never
        was."""
        with self._turn:
            return self._refusals.get(_named(address), "")


def _room() -> int:
    """How many connections this process can have, so that none is lost for want of descriptors."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else max(1, (most - _BESIDE) // _EACH)


def _named(address: str) -> bytes:
    """It in a few octets: pages ask for addresses of megabytes, and for any number of them."""
    return hashlib.sha256(address.encode()).digest()


class _Kept:
    def __init__(self, proxy: RecordingProxy, line: socket.socket) -> None:
        self._proxy = proxy
        self._line = line

    def __enter__(self) -> socket.socket:
        self._proxy.enter(self._line)
        return self._line

    def __exit__(self, *_: object) -> None:
        self._proxy.leave(self._line)


class _Conversation:
    """One connection of the browser: requests one after another, for any host, or for one within a tunnel."""

    def __init__(self, proxy: RecordingProxy, recorder: Recorder, line: socket.socket) -> None:
        self._proxy = proxy
        self._recorder = recorder
        self._line = line
        self._upstream: Upstream | None = None

    def run(self) -> None:
        try:
            request = read_request(self._line, largest=_LARGEST_REQUEST)
            if request is not None and request.method == "CONNECT":
                host, port = _place(request.target)
                self._line.sendall(_TUNNEL)
                self._tunnelled(host, port)
            while request is not None and request.method != "CONNECT":
                parts = urlsplit(request.target)
                if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
                    raise Malformed
                place = (parts.hostname, parts.port or HTTP_PORT)
                if not self._exchange(request, request.target, place, tls=False):
                    return
                request = read_request(self._line, largest=_LARGEST_REQUEST)
        finally:
            self._leave_upstream()

    def _within_tls(self, host: str) -> ssl.SSLSocket:
        plain = self._line
        secured = self._recorder.interception.context_for(host).wrap_socket(plain, server_side=True)
        self._proxy.leave(plain)
        self._proxy.enter(secured)
        return secured

    def _tunnelled(self, host: str, port: int) -> None:
        """TLS, or, for web sockets without it, plain requests."""
        tls = self._line.recv(1, socket.MSG_PEEK) == _HANDSHAKE
        scheme, usual = ("https", HTTPS_PORT) if tls else ("http", HTTP_PORT)
        origin = f"{scheme}://{f'[{host}]' if ':' in host else host}" + ("" if port == usual else f":{port}")
        try:
            self._line = self._within_tls(host) if tls else self._line
        except OSError as error:
            if is_for_want_of_room(error):
                self._proxy.tell(self._recorder.traffic.refused, origin, NO_ROOM)
            raise
        try:
            while (request := read_request(self._line, largest=_LARGEST_REQUEST)) is not None:
                if not request.target.startswith("/"):
                    raise Malformed
                if not self._exchange(request, origin + request.target, (host, port), tls=tls):
                    return
        finally:
            self._proxy.leave(self._line)

    def _exchange(self, request: BrowserRequest, address: str, place: tuple[str, int], *, tls: bool) -> bool:
        """Whether the connection may go on."""
        self._proxy.begin()
        try:
            return self._answered(request, address, place, tls=tls)
        except NotVisited as refusal:
            return self._refuse(address, refusal.why)
        except (Malformed, OSError):
            return self._refuse(address, "no-answer")
        finally:
            self._proxy.end()

    def _refuse(self, address: str, why: str) -> bool:
        self._leave_upstream()
        self._proxy.tell(self._recorder.traffic.refused, address, why)
        with suppress(OSError):
            self._line.sendall(_REFUSED)
        return False

    def _answered(self, request: BrowserRequest, address: str, place: tuple[str, int], *, tls: bool) -> bool:
        if request.upgrades:
            raise NotVisited("other-protocol")
        if not request.is_for(*place, HTTPS_PORT if tls else HTTP_PORT):
            raise NotVisited("other-host")
        if not self._proxy.admit(len(request.raw)):
            raise NotVisited("too-many")
        asked_at = self._recorder.clock()
        upstream, response = self._asked(request, place, tls=tls)
        if response.until_end and self._proxy.is_closed:
            response.why = "time"
        self._record(address, upstream, (asked_at, request.for_server(absolute=upstream.absolute)), response)
        if response.why:
            self._proxy.tell(self._recorder.traffic.cut, address, response.why)
        if response.excess:
            self._proxy.tell(self._recorder.traffic.cut, address, "excess")
        if not response.reusable:
            self._leave_upstream()
        return response.reusable

    def _asked(
        self, request: BrowserRequest, place: tuple[str, int], *, tls: bool
    ) -> tuple[Upstream, ServerResponse]:
        """Over the connection of the last request, where that is still good, else over a new one: the server may
        have closed the old one meanwhile."""
        upstream = self._kept(place) if request.is_repeatable else None
        if upstream is not None:
            with suppress(OSError):
                return upstream, self._exchanged(upstream, request)
        self._leave_upstream()
        upstream = self._connected(place, tls=tls)
        return upstream, self._exchanged(upstream, request)

    def _kept(self, place: tuple[str, int]) -> Upstream | None:
        upstream = self._upstream
        return upstream if upstream is not None and upstream.place == place and upstream.is_fresh else None

    def _connected(self, place: tuple[str, int], *, tls: bool) -> Upstream:
        self._upstream = self._recorder.connecting.open(*place, tls=tls)
        self._proxy.enter(self._upstream.line)
        return self._upstream

    def _exchanged(self, upstream: Upstream, request: BrowserRequest) -> ServerResponse:
        before, is_first = 0, True

        def pass_on(block: bytes) -> None:
            nonlocal is_first
            if is_first and upstream.absolute and block.startswith(_UNKNOWN_TO_PROXY):
                raise NotVisited("proxy")  # what the house's proxy wants of us is no answer of the server's
            is_first = is_first and not block
            self._pass_on(block)

        def allowed(size: int) -> bool:
            nonlocal before
            grown, before = before, size
            return self._proxy.may_receive(grown, size)

        upstream.line.sendall(request.for_server(absolute=upstream.absolute, fields=upstream.fields))
        return read_response(upstream.line, request.method, pass_on, allowed)

    def _pass_on(self, block: bytes) -> None:
        with suppress(OSError):  # the browser may have lost interest; what comes is recorded all the same
            self._line.sendall(block)

    def _record(
        self, address: str, upstream: Upstream, request: tuple[datetime, bytes], response: ServerResponse
    ) -> None:
        if self._recorder.warc is None:
            return
        asked_at, sent = request
        identifier = record_id()
        where = {"WARC-IP-Address": upstream.address} if upstream.address else {}
        cut = {"WARC-Truncated": response.why} if response.why else {}
        with self._recorder.warc.together():
            self._recorder.warc.write(
                RecordType.RESPONSE,
                address,
                response.raw,
                asked_at,
                identifier=identifier,
                more={**where, **cut},
                asked=sent,
            )
            answered = {**where, "WARC-Concurrent-To": identifier}
            self._recorder.warc.write(RecordType.REQUEST, address, sent, asked_at, more=answered)

    def _leave_upstream(self) -> None:
        if self._upstream is not None:
            self._proxy.leave(self._upstream.line)
            self._upstream = None


def _place(target: str) -> tuple[str, int]:
    """Host and port of a CONNECT (RFC 9110, 9.3.6)."""
    parts = urlsplit(f"//{target}")
    if not parts.hostname or not parts.port:
        raise Malformed
    return parts.hostname, parts.port
