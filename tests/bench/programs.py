"""A program that uses the API: one connection that is kept, one token, and how long each answer takes."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Access:
    """Where the portal listens, and the token that it gave a client; plain, so that processes can be given it."""

    port: int
    token: str


class Program:
    """One connection with *access*; for one thread."""

    def __init__(self, access: Access) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", access.port, timeout=120)
        self._headers = {"Authorization": f"Bearer {access.token}"}
        self.milliseconds = 0.0
        """What the last answer took."""

    def ask(self, method: str, path: str, content: object = None, **headers: str) -> Any:
        """The answer to a request below ``/api/v1``, decoded; None when it is empty. Raises RuntimeError for an
        answer of failure: a bench must not measure refusals."""
        sent = None if content is None else json.dumps(content).encode()
        given = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if sent is not None:
            given["Content-Type"] = "application/json"
        started = time.perf_counter()
        self._connection.request(method, API + path, sent, given)
        answer = self._connection.getresponse()
        found = answer.read()
        self.milliseconds = (time.perf_counter() - started) * 1000
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answers {answer.status}: {found.decode()[:500]}")
        return json.loads(found) if found else None

    def get(self, path: str, **query: object) -> Any:
        """The same for a GET."""
        asked = urlencode(query, quote_via=quote)
        return self.ask("GET", f"{path}?{asked}" if asked else path)

    def post(self, path: str, content: object) -> Any:
        """The same for a POST, with a key of its own."""
        return self.ask("POST", path, content, Idempotency_Key=secrets.token_urlsafe(16))


def access_of(port: int, client: str, secret: str) -> Access:
    """The access that the client gets for its *secret* (RFC 6749, 4.4)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    proof = base64.b64encode(f"{client}:{secret}".encode()).decode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {proof}"}
    connection.request("POST", f"{API}/token", b"grant_type=client_credentials", form)
    found = json.loads(connection.getresponse().read())
    connection.close()
    return Access(port, found["access_token"])


def void(_value: object) -> None:
    """Nothing: what is measured counts as one."""


def prepare_reading(access: Access, path: str, headers: dict[str, str]) -> Callable[[], None]:
    """For :func:`tests.bench.measure.rate_in_processes`: a GET of *path*, over and over."""
    program = Program(access)
    return lambda: void(program.ask("GET", path, **headers))


STEPS = ("draft", "first party", "second party", "send")


def prepare_sending(access: Access, order: dict[str, Any]) -> Callable[[], None]:
    """For the same: a whole contract, drafted and sent."""
    program = Program(access)
    return lambda: void(send_one(program, order))


def send_one(program: Program, order: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """The contract of *order* (what is sent to ``path``, and the ``parties`` that are added then), sent; its id,
    and milliseconds by step."""
    taken: dict[str, float] = {}

    def step(name: str, path: str, content: object) -> Any:
        answer = program.post(path, content)
        taken[name] = program.milliseconds
        return answer

    made = step("draft", order["path"], order["content"])["id"]
    for name, party in zip(STEPS[1:3], order["parties"], strict=False):
        step(name, f"/contracts/{made}/parties", party)
    step("send", f"/contracts/{made}/send", {})
    return made, taken
