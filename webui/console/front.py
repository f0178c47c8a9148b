"""Where a visitor comes from: the connection's own address, or what the web front before a Unix socket saw."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Front:
    """A WSGI application that tells the one behind it the visitor's address in ``REMOTE_ADDR``, or nothing.

    A TCP connection is the visitor's own, whatever its headers claim. Over a Unix socket, which only the proxy in
    front may open (``systemd/vermilion-console.socket``), it is the last address in ``X-Forwarded-For``.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        environ["REMOTE_ADDR"] = _address(environ)
        return self._application(environ, start_response)


def _address(environ: WSGIEnvironment) -> str:
    for told in (environ.get("REMOTE_ADDR", ""), _last(environ.get("HTTP_X_FORWARDED_FOR", ""))):
        try:
            return str(ip_address(str(told)))
        except ValueError:
            continue
    return ""


def _last(forwarded: Any) -> str:
    return str(forwarded).rpartition(",")[2].strip()
