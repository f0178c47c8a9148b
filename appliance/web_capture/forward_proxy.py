"""Connections through a proxy of the house: what lies between the recording proxy and the servers there.

Requests without TLS go to it in absolute form (RFC 9112, 3.2.2), for others it makes a tunnel (RFC 9110, 9.3.6).
It resolves the names; what it does with them this machine cannot see.
"""

from __future__ import annotations

import base64
import re
import socket
from typing import Final

from appliance.web_capture.destinations import NotVisited
from appliance.web_capture.model import ForwardProxy

_LARGEST_HEAD: Final = 64 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r\n]")


def authorization(proxy: ForwardProxy) -> bytes:
    """The header field by which the proxy knows this machine (RFC 7617); empty where it asks for none."""
    if proxy.credentials is None:
        return b""
    return b"Proxy-Authorization: Basic " + base64.b64encode(proxy.credentials) + b"\r\n"


def open_tunnel(line: socket.socket, proxy: ForwardProxy, host: str, port: int) -> None:
    """Makes *line*, a connection with *proxy*, one with *host*. Raises :class:`NotVisited` where it refuses, and
    OSError."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    asked = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode("ascii")
    line.sendall(asked + authorization(proxy) + b"\r\n")
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        block = line.recv(1)  # nothing of what follows belongs to the proxy
        head += block
        if not block or len(head) > _LARGEST_HEAD:
            raise NotVisited("proxy")
    status = _STATUS.match(head)
    if status is None or not 200 <= int(status[1]) < 300:
        raise NotVisited("proxy")
