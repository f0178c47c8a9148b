"""A WSGI application behind gunicorn: where a visitor comes from, and request bodies that break off."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class VisitorAddress:
    """Gives the application the visitor's address in ``REMOTE_ADDR``, or nothing.

    A TCP connection is the visitor's own, whatever its headers claim. Over a Unix socket, which only nginx may
    open (``systemd/*.socket``), it is the last address in ``X-Forwarded-For``: the one that nginx saw.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        environ["REMOTE_ADDR"] = _address(environ)
        if environ.get("CONTENT_LENGTH"):
            # Without this key Werkzeug counts the body, and refuses one that ends before its announced length.
            environ.pop("wsgi.input_terminated", None)
        return self._application(environ, start_response)


def _address(environ: WSGIEnvironment) -> str:
    for claimed in (environ.get("REMOTE_ADDR", ""), _last(environ.get("HTTP_X_FORWARDED_FOR", ""))):
        try:
            return str(ip_address(str(claimed)))
        except ValueError:
            continue
    return ""


def _last(forwarded: Any) -> str:
    return str(forwarded).rpartition(",")[2].strip()
