"""From an ASGI scope to a WSGI environment (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from ipaddress import ip_address
from typing import IO, Any


def environment_of(scope: MutableMapping[str, Any], body: IO[bytes], length: int) -> dict[str, Any]:
    """The environment of a request whose *body*, of *length* bytes, has been read."""
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # PEP 3333: the decoded path as bytes, each shown as one Latin-1 letter.
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": visitor_of(scope),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body has been put together
    environ["CONTENT_LENGTH"] = str(length)
    return environ


def visitor_of(scope: MutableMapping[str, Any]) -> str:
    """The visitor's network address; empty when nobody who may be believed says it.

    A TCP connection is the visitor's own, whatever its headers claim. Over a Unix socket, which only the proxy in
    front may open (``systemd/vermilion-web.socket``), the address is the last one in ``X-Forwarded-For``: the one
    that this proxy saw. Those before it are what the visitor said.
    """
    peer = scope.get("client") or ("", 0)
    if peer[0]:
        return str(peer[0])
    told = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    last = told[-1].decode("latin-1").rpartition(",")[2].strip() if told else ""
    try:
        return str(ip_address(last))
    except ValueError:
        return ""


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    """One header. A name with an underscore could pass for another one, so it is dropped (as nginx does)."""
    if "_" in name:
        return
    key = name.upper().replace("-", "_")
    key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
    separator = "; " if key == "HTTP_COOKIE" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
