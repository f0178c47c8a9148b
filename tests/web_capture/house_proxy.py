"""A proxy of a house on loopback: it resolves names, makes tunnels, asks for a password, and may open TLS."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.web_capture.servers import Listening


@dataclass
class HouseProxy(Listening):
    """Leads *names* to ports of this machine; *password* is "user:password", empty for none. With *opens*, TLS
    ends here, by certificates of the house for any name, and goes on as this proxy likes."""

    names: Mapping[str, int]
    password: str = ""
    opens: Callable[[str], ssl.SSLContext] | None = None
    asked: list[str] = field(default_factory=list)

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError), line:
            while head := _head(line):
                first, _, fields = head.partition(b"\r\n")
                method, target, _ = first.decode().split(" ")
                self.asked.append(f"{method} {target}")
                known = b"Basic " + base64.b64encode(self.password.encode())
                if self.password and b"Proxy-Authorization: " + known not in fields:
                    line.sendall(b"HTTP/1.1 407 Unknown\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
                    continue
                host = urlsplit(f"//{target}" if method == "CONNECT" else target).hostname or ""
                if host not in self.names:
                    line.sendall(b"HTTP/1.1 503 No such host\r\nContent-Length: 6\r\n\r\nunkown")
                    return
                self._lead(line, method, host, head)
                return

    def _lead(self, line: socket.socket, method: str, host: str, head: bytes) -> None:
        server: socket.socket = socket.create_connection(("127.0.0.1", self.names[host]))
        try:
            if method == "CONNECT":
                line.sendall(b"HTTP/1.1 200 Established\r\nVia: 1.1 house\r\n\r\n")
                if self.opens is not None:
                    line = self.opens(host).wrap_socket(line, server_side=True)
                    plain = ssl.create_default_context()
                    plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE
                    server = plain.wrap_socket(server)
            else:
                server.sendall(head)
            back = threading.Thread(target=_pumped, args=(server, line), daemon=True)
            back.start()
            _pumped(line, server)
            back.join()
        finally:
            line.close()
            server.close()


def _head(line: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        block = line.recv(1)
        if not block:
            return b""
        found += block
    return found


def _pumped(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
