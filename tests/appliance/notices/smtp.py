"""A small real SMTP server (RFC 5321) on a loopback port, which can be told to answer badly."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


@dataclass
class Post:
    """What arrived, and how the server behaves: its answers to RCPT and to the text; ``hang_up`` gives none."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    to_recipient: str = "250 ok"
    to_text: str = "250 taken"
    hang_up: bool = False


class Conversation(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        post = cast("Server", self.server).post
        self._say("220 ready")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"QUIT":
                self._say("221 bye")
                return
            if verb == b"DATA":
                self._say("354 go on")
                text = self._text()
                if post.hang_up:
                    return
                if post.to_text.startswith("2"):
                    post.messages.append(cast("EmailMessage", message_from_bytes(text, policy=policy.default)))
                self._say(post.to_text)
            else:
                self._say(post.to_recipient if verb == b"RCPT" else "250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def _text(self) -> bytes:
        lines = []
        for line in iter(self.rfile.readline, b".\r\n"):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


class Server(socketserver.ThreadingTCPServer):
    """Listens on a free port."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.post = Post(port=self.server_address[1])


@contextmanager
def post_office() -> Iterator[Post]:
    """A running server."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.post
        finally:
            server.shutdown()
            thread.join()
