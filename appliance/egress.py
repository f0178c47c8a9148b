"""The one way out: this machine asks another one, within limits that nothing the other does can stretch.

Off by default, since nothing is configured that would be asked. No redirects, no proxies, no cookies, one exchange
for each connection. The time is a limit for all of it (name, connection, TLS, reply), so a reply that drips is cut
off like one that never comes; the size is one for the body, whatever its length field says.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, socket
from urllib.parse import urlsplit

from appliance.errors import ApplianceError

MOST_AT_ONCE = 8
"""Exchanges under way: however slow others are, they cost no more threads than this."""


class EgressFailed(ApplianceError):
    """Nothing usable came back; ``cause`` is ``unreachable``, ``late``, ``too-large``, ``refused`` or ``busy``."""

    code = "egress-failed"

    def __init__(self, cause: str, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` for the whole exchange, ``largest`` body in bytes."""

    seconds: float
    largest: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A 200 with its media type (lower case, no parameters) and its body."""

    kind: str
    body: bytes


class Egress:
    """Thread-safe. *trust* is a PEM file of authorities for TLS; None means the system's."""

    def __init__(self, limits: Limits, *, trust: str | None = None) -> None:
        self._limits = limits
        self._trust = trust
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The reply to *body* at *url* (http or https). Raises :class:`EgressFailed`, at the latest after the
        limit's seconds."""
        if not self._places.acquire(blocking=False):
            raise EgressFailed("busy", "Too many exchanges with {url} are under way.", url=url)
        exchange = _Exchange(url, body, headers, self._limits, self._trust)
        threading.Thread(target=self._run, args=(exchange,), daemon=True, name="egress").start()
        try:
            return exchange.outcome.result(self._limits.seconds)
        except TimeoutError as error:
            exchange.break_off()
            raise EgressFailed(
                "late", "{url} did not answer within {seconds} seconds.", url=url, seconds=self._limits.seconds
            ) from error

    def _run(self, exchange: _Exchange) -> None:
        try:
            exchange.run()
        finally:
            self._places.release()


class _Exchange:
    """One request and its reply, in a thread of its own."""

    def __init__(
        self, url: str, body: bytes, headers: Mapping[str, str], limits: Limits, trust: str | None
    ) -> None:
        self.outcome: Future[Reply] = Future()
        self._url = url
        self._body = body
        self._headers = {**headers, "Connection": "close", "Accept-Encoding": "identity"}
        self._limits = limits
        self._trust = trust
        self._socket: socket | None = None

    def run(self) -> None:
        """Settles the outcome, whatever happens."""
        try:
            self.outcome.set_result(self._reply())
        except EgressFailed as failure:
            self.outcome.set_exception(failure)
        except (OSError, HTTPException, ValueError) as error:
            self.outcome.set_exception(
                EgressFailed("unreachable", "{url} cannot be asked: {why}.", url=self._url, why=error)
            )
        except BaseException as error:
            self.outcome.set_exception(error)
            raise

    def break_off(self) -> None:
        """Ends the connection, so that the thread ends."""
        if self._socket is not None:
            with suppress(OSError):  # it may be over by now
                self._socket.shutdown(SHUT_RDWR)

    def _reply(self) -> Reply:
        connection = self._opened()
        try:
            connection.connect()
            self._socket = connection.sock  # the connection itself forgets it once the head of the reply is there
            path = urlsplit(self._url)._replace(scheme="", netloc="", fragment="").geturl() or "/"
            connection.request("POST", path, body=self._body, headers=self._headers)
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            connection.close()

    def _read(self, response: HTTPResponse) -> Reply:
        most = self._limits.largest
        if response.status != 200:
            raise EgressFailed(
                "refused", "{url} answered with status {status}.", url=self._url, status=response.status
            )
        body = response.read(most + 1)
        if len(body) > most:
            raise EgressFailed(
                "too-large", "{url} answered with more than {most} bytes.", url=self._url, most=most
            )
        return Reply(response.headers.get_content_type(), body)

    def _opened(self) -> HTTPConnection:
        parts = urlsplit(self._url)
        host, port, seconds = parts.hostname or "", parts.port, self._limits.seconds
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._trust)
            return HTTPSConnection(host, port, timeout=seconds, context=context)
        return HTTPConnection(host, port, timeout=seconds)
