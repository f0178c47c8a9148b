"""The log's side, as the scheduler has it, and witnesses of our own making that say whatever a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.config import Settings, WitnessSettings
from appliance.home import Home
from appliance.ledger import LogProofs, Sequencer
from appliance.model.witnesses import WitnessedCheckpoint
from appliance.store import witnesses as store
from appliance.store.database import Database
from appliance.store.ledger import StoredCheckpoint
from appliance.store.witnesses import WitnessState
from appliance.witnesses import WitnessPolicy, parse_policy
from appliance.witnesses.quorum import last_witnessed
from appliance.witnesses.submitting import Submitting
from hsm.note import KeyKind, NoteKey, cosign, parse_note
from tests.events.receiver import make_certificate, secured
from tests.ledger.local_authority import LocalAuthority

PRIVATE = ed25519.Ed25519PrivateKey.generate()
KEY = NoteKey("w.example", KeyKind.COSIGNATURE, PRIVATE.public_key().public_bytes_raw())
SIZE = "text/x.tlog.size"
TLS = "witness-tls.pem"
"""Our witnesses' certificate, which is its own authority, with its key."""


@dataclass(slots=True)
class Clock:
    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class LogSide:
    """A log with its database, its key and the scheduler's clock; files are in ``folder``."""

    database: Database
    local: LocalAuthority
    sequencer: Sequencer
    grow: Callable[[int], None]
    clock: Clock
    folder: Path

    def publish(self, count: int) -> StoredCheckpoint:
        """A checkpoint over *count* entries more."""
        self.grow(count)
        self.sequencer.run_once()
        return self.newest

    @property
    def newest(self) -> StoredCheckpoint:
        return LogProofs(self.database).checkpoint()

    def submitting(self, policy: WitnessPolicy) -> Submitting:
        settings = WitnessSettings("witness-policy.txt", tls=TLS, seconds=10)
        home = Home(self.folder)
        certificate = home.settings.parent / TLS
        if not certificate.exists():
            certificate.parent.mkdir(exist_ok=True)
            make_certificate(certificate)
        given = replace(Settings(home), witnesses=settings)
        return Submitting(self.database, policy, lambda: self.local.key, given, self.clock)

    def state(self, key: NoteKey) -> WitnessState:
        return self.database.query(store.states)[key.vkey()]

    def witnessed(self, policy: WitnessPolicy) -> WitnessedCheckpoint | None:
        return self.database.query(last_witnessed, policy)

    @contextmanager
    def answering_with(
        self, status: int, body: bytes | Callable[[bytes], bytes], kind: str = "text/plain", *, shown: bytes = b""
    ) -> Iterator[tuple[str, list[bytes]]]:
        """A server with TLS that always says the same, and shows *shown* as the last checkpoint that it cosigned;
        its address, and what it was asked."""
        with answering_with(status, body, kind, shown=shown, tls=self.folder / "config" / TLS) as found:
            yield found


def policy_with(key: NoteKey, url: str, log: NoteKey | None = None) -> WitnessPolicy:
    lines = [f"log {log.vkey()}\n"] if log else []
    return parse_policy("".join([*lines, f"witness W {key.vkey()} {url}\n", "quorum W\n"]).encode())


@contextmanager
def answering_with(
    status: int,
    body: bytes | Callable[[bytes], bytes],
    kind: str = "text/plain",
    *,
    shown: bytes = b"",
    tls: Path | None = None,
) -> Iterator[tuple[str, list[bytes]]]:
    """The same; without *tls* over plain HTTP."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(status, kind, body if isinstance(body, bytes) else body(asked[-1]))

        def do_GET(self) -> None:
            self._say(200 if shown else 404, "text/plain", shown)

        def _say(self, status: int, kind: str, said: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        if not tls.exists():
            tls.parent.mkdir(exist_ok=True)
            make_certificate(tls)
        server.socket = secured(tls).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cosignature_line(note: bytes, at: datetime) -> bytes:
    """The line of our witness's cosignature."""
    text = parse_note(note).text
    cosigned = cosign(note, KEY, PRIVATE.sign, at=at)
    return cosigned[len((text + "\n").encode()) :].splitlines(keepends=True)[-1]
