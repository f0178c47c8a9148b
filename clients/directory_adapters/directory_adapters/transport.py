"""One request after another to one server: over TLS, not too many in a second, repeated where that is safe.

What is repeated: anything that was answered with 429 or 503, after the time that ``Retry-After`` says (RFC 9110,
10.2.3); and what changes nothing if it is done twice, when no answer came or another one of 5xx. Addresses in
messages have no query, because the APIs of address books have their tokens in it.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from directory_adapters.errors import RefusedError, SettingsError, UnansweredError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer; what is longer is not read."""

SAID_WHEN = frozenset({http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one attempt may take, how many there are at most, and how long is waited between them: twice as
    long each time, but not longer than ``longest_pause``. In seconds."""

    timeout: float = 30.0
    attempts: int = 7
    first_pause: float = 1.0
    longest_pause: float = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where to send to: ``address`` (``https://…``; http only on this machine itself), the PEM file of the
    authorities of its certificate where the system's do not fit, the proxy on the way, if there is one, and how
    many requests go in a second at most."""

    address: str
    tls: Path | None = None
    proxy: str = ""
    per_second: float = 10.0
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent: ``content`` as JSON, None for nothing. ``repeatable``: nothing is done twice if it comes
    twice."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True

    @property
    def name(self) -> str:
        """The request in messages: without its query."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of success to the request called ``name``."""

    name: str
    content: bytes

    @property
    def value(self) -> dict[str, Any]:
        """The members of its JSON object. Raises :class:`UnansweredError` if it has another content: proxies and
        gateways answer with pages."""
        try:
            value = json.loads(self.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise UnansweredError(f"{self.name}: the answer is not a JSON object")
        return value


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """No server that we ask redirects; a token must not follow to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


class Transport:
    """Sends to *server*. *pause* waits for so many seconds. Raises :class:`SettingsError` for an address that
    would send secrets unencrypted to another machine, and for authorities that cannot be read."""

    def __init__(self, server: Server, pause: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(server.address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise SettingsError(f"address: {server.address} is neither https:// nor this machine")
        try:
            context = ssl.create_default_context(cafile=server.tls)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"tls: {server.tls} is no readable PEM file of certificates") from error
        proxies = {"https": server.proxy} if server.proxy else {}  # never those of the environment
        handlers = (_NoRedirects(), urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), *handlers)
        self._server, self._pause, self._next = server, pause, 0.0

    def send(self, call: Call) -> Answer:
        """The answer of success. Raises :class:`RefusedError` and :class:`UnansweredError`."""
        attempts = self._server.patience.attempts
        for attempt in range(attempts):
            last = attempt + 1 >= attempts
            try:
                return self._once(call)
            except UnansweredError:
                if last or not call.repeatable:
                    raise
                self.rest(attempt)
            except RefusedError as refused:
                again = refused.status in SAID_WHEN or (
                    call.repeatable and refused.status >= http.client.INTERNAL_SERVER_ERROR
                )
                if last or not again:
                    raise
                self.rest(attempt, refused.headers.get("retry-after", ""))
        raise UnansweredError(f"{call.name}: there was no attempt")

    def rest(self, attempt: int, asked: str = "") -> None:
        """As long as the answer *asked* for; else longer after each *attempt*, and not always equally long."""
        patience = self._server.patience
        grown = patience.first_pause * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311  # no secret
        wanted = _seconds(asked)
        self._pause(min(grown if wanted is None else wanted, patience.longest_pause))

    def _once(self, call: Call) -> Answer:
        self._keep_the_rate()
        query = f"?{urlencode(call.query)}" if call.query else ""
        data = None if call.content is None else json.dumps(call.content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **call.headers} if data is not None else dict(call.headers)
        sent = urllib.request.Request(  # noqa: S310  # the scheme was checked
            f"{self._server.address.rstrip('/')}{call.path}{query}", data=data, headers=headers, method=call.method
        )
        try:
            return Answer(call.name, self._exchange(call, sent))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise SettingsError(
                    f"{self._server.address}: its certificate is not trusted ({reason.verify_message}); set"
                    " tls to the file of the authority that issued it"
                ) from None
            raise UnansweredError(f"{call.name} at {self._server.address}: no answer ({reason})") from None

    def _exchange(self, call: Call, sent: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(sent, timeout=self._server.patience.timeout) as response:
                content: bytes = response.read(LONGEST_ANSWER + 1)
        except urllib.error.HTTPError as refused:
            with refused:
                content = refused.read(LONGEST_ANSWER)
            headers = {name.lower(): value for name, value in refused.headers.items()}
            raise RefusedError(call.name, refused.code, headers, content) from None
        if len(content) > LONGEST_ANSWER:
            raise UnansweredError(f"{call.name}: the answer is longer than {LONGEST_ANSWER} bytes")
        return content

    def _keep_the_rate(self) -> None:
        now = time.monotonic()
        if now < self._next:
            self._pause(self._next - now)
        self._next = max(now, self._next) + 1 / self._server.per_second


def _seconds(asked: str) -> float | None:
    """What ``Retry-After`` says, as seconds or as a date; None for nothing that can be read."""
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
