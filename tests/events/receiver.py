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
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
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
def receiving(context: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    """A receiver that takes everything until it is told otherwise; with TLS where a *context* is given, at a free
    port unless one is named."""

    class Handler(Post):
        pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
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


def make_certificate(path: Path, host: str = "") -> str:
    """Puts a certificate of *host* alone (127.0.0.1 without one), and its key, into the file *path*; it is its own
    authority. The certificate (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.now(UTC)
    whose = x509.DNSName(host) if host else x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([whose]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(private + public)
    return public.decode()


def secured(certificate: Path) -> ssl.SSLContext:
    """The TLS of a server that has the *certificate* (a file with its key)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
