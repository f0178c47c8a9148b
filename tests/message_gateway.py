"""A small message gateway: takes what is posted, as docs/message-gateway.md has it, and passes nothing on.

``python -m tests.message_gateway --key FILE`` prints the messages of an appliance under development.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

TOLERANCE = 300
"""Seconds by which the clocks of the two may differ."""


@dataclass
class Gateway:
    """What arrived, and how the gateway behaves. ``key`` verifies signatures; ``status`` answers every message
    instead of what is right, with ``reason``; ``hang_up`` gives no answer; who ``holds`` is awaited before one.
    ``aloud``: messages are printed."""

    key: bytes
    port: int = 0
    status: int | None = None
    reason: str = ""
    hang_up: bool = False
    aloud: bool = False
    holds: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    messages: list[dict[str, Any]] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    checks: int = 0

    def __post_init__(self) -> None:
        self.holds.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and reason."""
        if not self.is_ours(headers, body):
            return 401, "the signature is not right"
        whole = json.loads(body)
        if self.status is not None:
            return self.status, self.reason
        if whole["type"] == "message.check":
            self.checks += 1
            return 204, ""
        if headers["webhook-id"] in {each["id"] for each in self.messages}:
            self.repeated.append(headers["webhook-id"])
            return 409, "had it before"
        assert whole["data"]["id"] == headers["webhook-id"]
        self.messages.append(whole["data"])
        if self.aloud:
            say(f"{whole['data']['to']}: {whole['data']['text']}")
        return 202, ""

    def is_ours(self, headers: dict[str, str], body: bytes) -> bool:
        """As Standard Webhooks 1.0 has it: id, timestamp and body by HMAC-SHA256, and a timestamp of now."""
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
        key = base64.b64decode(self.key[6:]) if self.key.startswith(b"whsec_") else self.key
        made = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(made).decode()}"
        given = headers.get("webhook-signature", "").split(" ")
        return abs(time.time() - int(moment)) < TOLERANCE and expected in given


class _Request(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        gateway = cast("_Server", self.server).gateway
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, reason = gateway.answer({name.lower(): value for name, value in self.headers.items()}, body)
        gateway.arrived.set()
        gateway.holds.wait(60)
        if gateway.hang_up:
            return
        told = b"" if status == 204 else json.dumps({"reason": reason}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, key: bytes, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.gateway = Gateway(key, self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked is gone: killed, or has waited for long enough."""


@contextmanager
def message_gateway(key: bytes, port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Gateway]:
    """A running gateway; with TLS where a *context* is given."""
    with _Server(key, port) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.gateway
        finally:
            server.gateway.holds.set()
            server.shutdown()
            thread.join()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="A message gateway that prints what it gets.")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--key", type=Path, required=True, help="the file secrets/gateway.key of the home")
    given = parser.parse_args()
    with _Server(given.key.read_bytes().rstrip(b"\r\n"), given.port) as server:
        server.gateway.aloud = True
        say(f'[gateway]\nurl = "{server.gateway.url}"')
        server.serve_forever()


if __name__ == "__main__":
    main()
