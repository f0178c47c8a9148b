"""One request after another: with a token, and repeated where that is safe.

What is repeated: (1) anything that was too much in a minute (429), after the time that the answer says; (2) what
reads, and what has an ``Idempotency-Key``, when no answer came, after an answer of 5xx, and while the same request
is being worked on; (3) once, with a new token, what was refused for its token. A change by ``If-Match`` alone is
not repeated after a lost answer: it may have been made, and only the caller can tell by reading again.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import quote_plus, urlencode, urlsplit

from vermilion_client.errors import ProblemError, TokenRefusedError, UnansweredError, members_of

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
RENEW_BEFORE = 30.0
"""Seconds before its end from which a token is not used any more."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each attempt may take, how many there are at most, and how long is waited between them: twice as
    long each time, but not longer than ``longest_pause``. In seconds."""

    timeout: float = 60.0
    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. ``path`` is below ``/api/v1``, with its query. ``repeatable``: nothing is done twice if it is
    sent twice."""

    method: str
    path: str
    content: bytes | None
    headers: Mapping[str, str]
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of success; ``headers`` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def value(self) -> Any:
        """The content, decoded from JSON."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what the client proves who it is: a ``secret``, or, without one, the certificate of its connections (RFC
    8705). Without ``scopes`` the token has all that the client has."""

    client_id: str
    secret: str
    scopes: tuple[str, ...] = ()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The API redirects nobody; a token must not follow to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


class Transport:
    """Sends requests to the appliance at *address*. Thread-safe. *pause* waits for so many seconds.

    Raises :class:`ValueError` for an address that would send the secret unencrypted to another machine.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials,
        patience: Patience,
        context: ssl.SSLContext | None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError(f"{address} is neither https:// nor this machine")
        self._base = f"{address.rstrip('/')}/api/v1"
        self._credentials, self._patience, self._pause = credentials, patience, pause
        secure = urllib.request.HTTPSHandler(context=context or ssl.create_default_context())
        self._opener = urllib.request.build_opener(_NoRedirects(), secure)
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def send(self, request: Request) -> Answer:
        """The answer of success. Raises :class:`ProblemError`, :class:`TokenRefusedError` and
        :class:`UnansweredError`."""
        token = self._access_token()
        try:
            return self._with_token(request, token)
        except ProblemError as problem:
            if problem.code != "token-refused":
                raise
        return self._with_token(request, self._access_token(instead_of=token))

    def _with_token(self, request: Request, token: str) -> Answer:
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        return self._patiently(request, headers)

    def _access_token(self, instead_of: str = "") -> str:
        """A token that is valid for a while, another one than *instead_of*."""
        with self._lock:
            if self._token and self._token != instead_of and time.monotonic() < self._until:
                return self._token
            held = self._credentials
            form = {"grant_type": "client_credentials", "scope": " ".join(held.scopes)}
            headers = {"Content-Type": FORM}
            if held.secret:
                pair = f"{quote_plus(held.client_id)}:{quote_plus(held.secret)}"  # RFC 6749, 2.3.1
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                form["client_id"] = held.client_id
            content = urlencode({name: value for name, value in form.items() if value}).encode()
            asked = time.monotonic()
            try:
                granted = self._patiently(Request("POST", "/token", content, headers, repeatable=True), headers)
            except ProblemError as problem:
                if problem.status not in (400, 401):
                    raise
                members = {"code": problem.code, "detail": problem.detail, "instance": problem.request_id}
                raise TokenRefusedError(problem.status, members) from None
            self._token = str(granted.value["access_token"])
            self._until = asked + float(granted.value["expires_in"]) - RENEW_BEFORE
            return self._token

    def _patiently(self, request: Request, headers: Mapping[str, str]) -> Answer:
        for attempt in range(self._patience.attempts):
            last = attempt + 1 >= self._patience.attempts
            try:
                return self._once(request, headers)
            except UnansweredError:
                if last or not request.repeatable:
                    raise
                self._rest(attempt)
            except ProblemError as problem:
                if last or not _passes(problem, request):
                    raise
                self._rest(attempt, problem.headers.get("retry-after", ""))
        raise UnansweredError("there was no attempt")

    def _rest(self, attempt: int, asked: str = "") -> None:
        """As long as the answer *asked* for; else longer after each attempt, and not all clients equally long."""
        grown = self._patience.first_pause * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
        wanted = float(asked) if asked.isdigit() else grown
        self._pause(min(wanted, self._patience.longest_pause))

    def _once(self, request: Request, headers: Mapping[str, str]) -> Answer:
        sent = urllib.request.Request(  # noqa: S310  # the scheme was checked
            self._base + request.path, data=request.content, headers=dict(headers), method=request.method
        )
        try:
            return self._exchange(sent)
        except (OSError, http.client.HTTPException) as error:
            raise UnansweredError(f"{request.method} {request.path}: {error}") from error

    def _exchange(self, sent: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(sent, timeout=self._patience.timeout) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as refused:
            with refused:
                content = refused.read()
            raise ProblemError(refused.code, members_of(content), headers=_lower(refused.headers)) from None


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _passes(problem: ProblemError, request: Request) -> bool:
    """Whether the request can be repeated, and may be answered differently then."""
    if problem.status == http.client.TOO_MANY_REQUESTS:
        return True
    failed = problem.status >= http.client.INTERNAL_SERVER_ERROR or problem.code == "request-under-way"
    return failed and request.repeatable
