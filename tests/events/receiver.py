"""A receiver of webhooks on the loopback interface, which behaves as a test wants it to."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    def verified_by(self, secret: str) -> None:
        """Raises WebhookVerificationError unless the receiver's library takes it with *secret*."""
        Webhook(secret).verify(self.body, self.headers)

    def verified_by_key(self, public: str) -> None:
        """Raises InvalidSignature unless a v1a signature is by the key *public* (``whpk_…``)."""
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        [made] = [each[4:] for each in self.headers["webhook-signature"].split() if each.startswith("v1a,")]
        key.verify(base64.b64decode(made), content)


def until(holds: Callable[[], bool]) -> None:
    """Waits for that, patiently."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


class Post(BaseHTTPRequestHandler):
    """One request that is being answered."""

    receiver: Receiver
    arrival: Arrival

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.arrival = Arrival({name.lower(): value for name, value in self.headers.items()}, body)
        self.receiver.arrived.append(self.arrival)
        with suppress(OSError):
            self.receiver.answering(self)

    def answer(self, status: int, **headers: str) -> None:
        """Answers with this *status*, without a body."""
        if 200 <= status < 300:
            self.receiver.taken.append(self.arrival)
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


Answer = Callable[[Post], None]


def take(post: Post) -> None:
    """Takes it."""
    post.answer(204)


def refusing(status: int) -> Answer:
    """Answers with this *status*, always."""
    return lambda post: post.answer(status)


@dataclass
class Receiver:
    """What came, and what of it was taken."""

    port: int
    answering: Answer = take
    arrived: list[Arrival] = field(default_factory=list)
    taken: list[Arrival] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that takes everything until it is told otherwise; with TLS where a *context* is given."""

    class Handler(Post):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver = Handler.receiver = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
