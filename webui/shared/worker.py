"""Gunicorn's thread worker, whose refusals are answers like all others.

What cannot be read as a request reaches no application. Gunicorn answers it by a page of its own, without any of
the headers that keep a browser from running what stands in an answer. ``handle_error`` is the method by which its
workers do that (gunicorn.workers.base.Worker).
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors as unreadable
from gunicorn.workers.gthread import ThreadWorker

from appliance.language import Language, translator
from webui.shared.errors import SENTENCES
from webui.shared.headers import HEADERS, order_https

_STATUSES = (
    (unreadable.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (unreadable.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (unreadable.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (unreadable.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    ((unreadable.InvalidResponseHeader, unreadable.InvalidResponseHeaderName), HTTPStatus.INTERNAL_SERVER_ERROR),
    (unreadable.ConfigurationProblem, HTTPStatus.INTERNAL_SERVER_ERROR),
    (unreadable.ParseException, HTTPStatus.BAD_REQUEST),
)
"""What gunicorn raises, and which status it gives that; the first that fits."""

log = logging.getLogger("vermilion.web")


class PageWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker of one of the web applications. ``https``: whether browsers reach it by nothing else."""

    https = False

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answers on *client*, whose request could not be read or whose application failed with *exc*; the
        connection is closed then."""
        status = next((status for kind, status in _STATUSES if isinstance(exc, kind)), None)
        if status is None or status is HTTPStatus.INTERNAL_SERVER_ERROR:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            log.error("A request could not be answered", exc_info=exc)
        else:
            log.warning("A request that cannot be read (%d): %s", status, exc)
        with suppress(OSError):  # whoever asked has gone
            client.setblocking(False)
            client.sendall(refusal(status, https=self.https))


def refusal(status: HTTPStatus, *, https: bool) -> bytes:
    """The whole answer, in both languages: who cannot be read has named none."""
    sentence = SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    body = "".join(f"{translator(language)(sentence)}\n" for language in Language).encode()
    fields = {
        "Connection": "close",
        "Content-Length": str(len(body)),
        "Content-Type": "text/plain; charset=utf-8",
        "Date": formatdate(usegmt=True),
        **HEADERS,
        "Cache-Control": "no-store",
        **(order_https() if https else {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode("ascii") + body
