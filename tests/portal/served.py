"""For ``test_serving.py``: gunicorn with the portal's settings, without its pages, and two applications."""

from __future__ import annotations

import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, jsonify, request

from webui.portal.gunicorn import *  # noqa: F403 - as gunicorn reads it
from webui.shared.headers import VisitorAddress

del on_starting  # type: ignore[name-defined]  # noqa: F821 - of the module above
workers = 1
graceful_timeout = 120


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """``/2`` is answered after two seconds, with what was posted."""
    body = environ["wsgi.input"].read()
    time.sleep(float(environ["PATH_INFO"].strip("/") or 0))
    start_response("200 OK", [("Content-Length", str(len(body) + 1))])
    return [body + b"."]


pages = Flask(__name__)


@pages.route("/<path:path>", methods=["GET", "POST"])
def echo(path: str) -> Response:
    """What the application sees of a request."""
    body = request.get_data(as_text=True)
    told = {name: request.headers.get(name) for name in ("X-Forwarded-For", "Cookie")}
    return jsonify(path=path, body=body, length=request.content_length, visitor=request.remote_addr, told=told)


echoing = VisitorAddress(pages)
