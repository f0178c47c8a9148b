"""``/tsa`` in development, where no nginx stands before the portal: forwarded to the timestamp service."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from webui.tsa.http_answers import BROKEN, LARGEST_BODY, UNREACHABLE, HttpAnswer

PATH = "/tsa"

LARGEST_REPLY = 256 * 1024
"""Bytes; a token with its certificates has some thousands."""

PATIENCE = 60.0
"""Seconds for each step of the exchange with the timestamp service."""

_OWN_FIELDS = frozenset({"connection", "date", "server"})
"""Fields that the portal's own server writes."""


class TimestampForwarder:
    """A WSGI application that sends requests for ``/tsa`` to *port* on this machine, all others to *application*.

    It judges nothing: one byte more than the service takes is forwarded, so that the service refuses it.
    """

    def __init__(self, application: WSGIApplication, port: int) -> None:
        self._application = application
        self._port = port

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return self._application(environ, start_response)
        answer = self._answer(environ)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers))
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        body = environ["wsgi.input"].read(LARGEST_BODY + 1)
        if len(body) < min(int(environ.get("CONTENT_LENGTH") or 0), LARGEST_BODY + 1):
            return BROKEN
        kind = environ.get("CONTENT_TYPE")
        try:
            return self._ask(environ["REQUEST_METHOD"], body, {"Content-Type": kind} if kind else {})
        except (OSError, HTTPException):
            return UNREACHABLE

    def _ask(self, method: str, body: bytes, headers: dict[str, str]) -> HttpAnswer:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)) as connection:
            connection.request(method, PATH, body=body, headers=headers)
            reply = connection.getresponse()
            found = tuple(each for each in reply.getheaders() if each[0].lower() not in _OWN_FIELDS)
            return HttpAnswer(reply.status, found, reply.read(LARGEST_REPLY))
