"""The one way out: this machine asks another one, within limits that nothing the other does can stretch.

Off by default, since nothing is configured that would be asked. No redirects, no proxies, no cookies, one exchange
for each connection. The time is a limit for all of it (name, connection, TLS, reply), so a reply that drips is cut
off like one that never comes; the size is one for the body, whatever its length field says.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPException, HTTPResponse
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, create_connection, socket
from urllib.parse import urlsplit

from appliance.errors import ApplianceError
from appliance.language.sizes import ByteSize

MOST_AT_ONCE = 8
"""Exchanges under way: however slow others are, they cost no more threads than this."""

Connect = Callable[[tuple[str, int], float], socket]
"""Makes the connection to a host and port within so many seconds. Raises OSError, :class:`EgressFailed`."""

_HEADERS = {"Connection": "close", "Accept-Encoding": "identity"}


class EgressFailed(ApplianceError, code="egress-failed"):
    """Nothing usable came back; ``cause`` is ``unreachable``, ``late``, ``too-large``, ``refused``, ``busy``, or
    ``forbidden`` where not every address may be asked. ``status`` is that of an answer that was refused, ``after``
    its Retry-After (RFC 9110, 10.2.3) as it stands there; ``sent``: the request was under way, so that the other
    side may have it."""

    def __init__(self, cause: str, template: str, *, status: int | None = None, **values: object) -> None:
        super().__init__(template, **values if status is None else {"status": status, **values})
        self.cause = cause
        self.status = status
        self.after = ""
        self.sent = False


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """``seconds`` for the whole exchange, ``largest`` body in bytes; ``accepted`` are the statuses of success.
    Where ``largest`` is 0 the status is the whole answer: no body is read, whatever it says of itself."""

    seconds: float
    largest: int
    accepted: frozenset[int] = frozenset({200})


@dataclass(frozen=True, slots=True)
class Reply:
    """An accepted answer with its media type (lower case, no parameters), its body and its status."""

    kind: str
    body: bytes
    status: int = 200


class Egress:
    """Thread-safe. *trust* is a PEM file of authorities for TLS; None means the system's. *connect* is another way
    there than the system's."""

    def __init__(
        self, limits: ExchangeLimits, *, trust: str | None = None, connect: Connect | None = None
    ) -> None:
        self._limits = limits
        self._trust = trust
        self._connect = connect
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The reply to *body* at *url* (http or https). Raises :class:`EgressFailed`, at the latest after the
        limit's seconds."""
        return self._ask(_Exchange(url, body, headers, self._limits, self._trust, self._connect))

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """What there is at *url*. Raises as :meth:`post`."""
        return self._ask(_Exchange(url, None, headers, self._limits, self._trust, self._connect))

    def _ask(self, exchange: _Exchange) -> Reply:
        url = exchange.url
        if not self._places.acquire(blocking=False):
            raise EgressFailed("busy", "Too many exchanges with {url} are under way.", url=url)
        threading.Thread(target=self._run, args=(exchange,), daemon=True, name="egress").start()
        try:
            return exchange.outcome.result(self._limits.seconds)
        except TimeoutError as error:
            exchange.break_off()
            raise exchange.failed(_late(url, self._limits)) from error

    def _run(self, exchange: _Exchange) -> None:
        try:
            exchange.run()
        finally:
            self._places.release()


@dataclass(slots=True)
class _Exchange:
    """One request and its reply, in a thread of its own; without a ``body`` it only reads."""

    url: str
    body: bytes | None
    headers: Mapping[str, str]
    limits: ExchangeLimits
    trust: str | None
    connect: Connect | None = None
    outcome: Future[Reply] = field(default_factory=Future)
    line: socket | None = None
    over: bool = False
    asked: bool = False

    def run(self) -> None:
        """Settles the outcome, whatever happens."""
        try:
            self.outcome.set_result(self._reply())
        except EgressFailed as failure:
            self.outcome.set_exception(self.failed(failure))
        except TimeoutError:  # the socket's own limit, which is the same and may be noticed first
            self.outcome.set_exception(self.failed(_late(self.url, self.limits)))
        except (OSError, HTTPException, ValueError) as error:
            broken = EgressFailed("unreachable", "{url} cannot be asked: {why}.", url=self.url, why=error)
            self.outcome.set_exception(self.failed(broken))
        except BaseException as error:
            self.outcome.set_exception(error)
            raise

    def failed(self, failure: EgressFailed) -> EgressFailed:
        """*failure*, which knows whether the other side may have the request."""
        failure.sent = self.asked
        return failure

    def break_off(self) -> None:
        """Ends the connection, so that the thread ends; one that is not there yet, as soon as it is."""
        self.over = True
        if self.line is not None:
            with suppress(OSError):  # it may be over by now
                socket.shutdown(self.line, SHUT_RDWR)  # of the line itself, under TLS

    def _reply(self) -> Reply:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port)
        try:
            connection.sock = self._connected()
            path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
            self.asked = True
            method = "GET" if self.body is None else "POST"
            connection.request(method, path, body=self.body, headers={**self.headers, **_HEADERS})
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            connection.close()
            if self.line is not None:
                self.line.close()

    def _read(self, response: HTTPResponse) -> Reply:
        most = self.limits.largest
        if response.status not in self.limits.accepted:
            refused = EgressFailed(
                "refused", "{url} answered with status {status}.", url=self.url, status=response.status
            )
            refused.after = response.headers.get("Retry-After", "")
            raise refused
        body = response.read(most + 1) if most else b""
        if len(body) > most:
            raise EgressFailed(
                "too-large", "{url} answered with more than {most}.", url=self.url, most=ByteSize(most)
            )
        return Reply(response.headers.get_content_type(), body, response.status)

    def _connected(self) -> socket:
        """The way there. Held before anything is heard from the other side, so that nothing it does goes on for
        longer than the limit: TLS, too, can drip."""
        parts = urlsplit(self.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        context = ssl.create_default_context(cafile=self.trust) if secure else None
        place = host, parts.port or (HTTPS_PORT if secure else HTTP_PORT)
        line = (self.connect or create_connection)(place, self.limits.seconds)
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # head and body of the request are two writes
        if context is None:
            return self._held(line)
        shielded = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
        self._held(shielded)
        shielded.do_handshake()
        return shielded

    def _held(self, line: socket) -> socket:
        self.line = line
        if self.over:
            self.break_off()
        return line


def _late(url: str, limits: ExchangeLimits) -> EgressFailed:
    return EgressFailed("late", "{url} did not answer within {seconds} s.", url=url, seconds=limits.seconds)
