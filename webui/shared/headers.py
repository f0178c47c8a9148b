"""The security headers of every answer (operations.md, "The web side"), and what the web front says of a
connection: where a visitor comes from, and by which certificate; for a WSGI application behind gunicorn.

Of pages that other software may show in a frame: a browser sends a frame of another site no ordinary cookie
(``SameSite``). The cookies here are for one frame alone: below its path, and partitioned (CHIPS): the same
frame on another site does not have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.wrappers import Response as BaseResponse


def policy(*, style: str = "'self'", image: str = "'self'", form: str = "'self'", frames: str = "'none'") -> str:
    """The content security policy; *style* and *image* are sources for a page that brings its own, *form* where
    forms may lead, by a redirect too, *frames* whose pages may frame it."""
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src {style}",
        f"img-src {image}",
        "font-src 'self'",
        "connect-src 'self'",
        f"form-action {form}",
        "base-uri 'none'",
        f"frame-ancestors {frames}",
    )
    return "; ".join(directives)


HEADERS = {
    "Content-Security-Policy": policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

ONE_YEAR = 365 * 24 * 3600


def protect(
    app: Flask, *, https: bool, form_targets: Sequence[str] = (), more: Mapping[str, str] | None = None
) -> None:
    """Puts the headers, and *more* of them, on every answer of *app*; with *https* also the order to use nothing
    else. Forms may lead to *form_targets* (origins) too.

    ``no-store`` is the rule; a view that serves what everybody may keep sets its own ``Cache-Control``.
    """

    own = {
        **HEADERS,
        "Content-Security-Policy": policy(form=" ".join(("'self'", *form_targets))),
        **(more or {}),
    }

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in own.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        for name, value in order_https().items() if https else ():
            response.headers.setdefault(name, value)
        return response


def order_https() -> dict[str, str]:
    """The header that has browsers use nothing else for a year (RFC 6797)."""
    return {"Strict-Transport-Security": f"max-age={ONE_YEAR}"}


CERTIFICATE: Final = "vermilion.client_certificate"
"""Where the application finds the certificate (PEM, as bytes) by which the connection was made. No header has
such a name, so nobody can send it."""

CERTIFICATE_SOCKET: Final = "certificates.sock"
"""The socket to which nginx hands nothing but connections of its port for certificates
(``systemd/vermilion-web.socket``)."""


class VisitorAddress:
    """Gives the application the visitor's address in ``REMOTE_ADDR``, or nothing.

    A TCP connection is the visitor's own, whatever its headers claim. Over a Unix socket, which only nginx may
    open (``systemd/*.socket``), it is the last address in ``X-Forwarded-For``: the one that nginx saw.

    The client certificate in ``X-Client-Certificate`` is believed over :data:`CERTIFICATE_SOCKET` alone: over all
    others it would be a visitor's own word as soon as one location of nginx forgot to drop it.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = _address(environ)
        certificate = environ.pop("HTTP_X_CLIENT_CERTIFICATE", "")
        environ.pop(CERTIFICATE, None)
        if certificate and _is_for_certificates(environ.get("gunicorn.socket")):
            environ[CERTIFICATE] = unquote_to_bytes(certificate)
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


def _is_for_certificates(connection: Any) -> bool:
    name = None if connection is None else connection.getsockname()
    return isinstance(name, str) and Path(name).name == CERTIFICATE_SOCKET


def _last(forwarded: Any) -> str:
    return str(forwarded).rpartition(",")[2].strip()


FRAMED: Final = "embedded"
"""The blueprint of these pages, and what their addresses begin with; the part behind it is the frame's own."""

LONGEST: Final = 100
"""Characters of a cookie that are read."""


def framed_path() -> str | None:
    """Below which path the pages of this request's frame are; None for a page that nobody frames."""
    if request.blueprint != FRAMED or not request.view_args:
        return None
    return f"/{FRAMED}/{request.view_args['token']}"


def read_framed_cookie(name: str, *, secure: bool) -> str:
    """What the frame's cookie holds, or nothing; *secure*: on a server, which has TLS."""
    return request.cookies.get(_called(name, secure=secure), "")[:LONGEST]


def set_framed_cookie(response: BaseResponse, name: str, value: str, *, secure: bool) -> None:
    """Gives the frame a cookie. Browsers take ``Secure`` on this computer without TLS, too."""
    called, path = _called(name, secure=secure), framed_path()
    response.set_cookie(called, value, path=path, secure=True, httponly=True, samesite="None", partitioned=True)


def _called(name: str, *, secure: bool) -> str:
    return f"__Secure-framed-{name}" if secure else f"framed-{name}"
