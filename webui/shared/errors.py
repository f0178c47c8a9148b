"""Every refusal and every failure as a page or as JSON, in the reader's language, never a traceback.

Here are the one table from refusals to HTTP statuses (RFC 9110), and where a reader can go on from a page that
refuses: addresses of this site alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import RequestRedirect

from appliance.errors import DocumentRefused
from hsm.errors import RefusalError
from webui.shared import programs
from webui.shared.language import local_path, translate


def page_before() -> str | None:
    """The page of this site that led here, with its query, as the browser says; None for any other."""
    origin = urlsplit(request.referrer or "")
    if origin.netloc != request.host:
        return None
    path = f"{origin.path}?{origin.query}" if origin.query else origin.path
    return path if path == local_path(path) else None


def page_above() -> str | None:
    """The nearest page above the address that was asked for: of ``/contracts/ID/draft/check`` it is
    ``/contracts/ID``, which shows how the contract stands. None where only the first page is above."""
    path = request.path.rstrip("/")
    while (path := path.rpartition("/")[0]) not in ("", "/"):
        if is_page(path):
            return path
    return None


def is_page(path: str) -> bool:
    """Whether something can be read at *path*."""
    try:
        current_app.url_map.bind(request.host).match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return True


_CODES = {
    400: "bad-request",
    401: "token-refused",
    403: "activation-refused not-allowed not-permitted sign-in-refused",
    404: "not-found unknown-key",
    409: "activation-used certificate-refused precondition-refused request-under-way state-refused",
    422: "document-refused idempotency-key-reused malformed",
    429: "activation-locked too-many-attempts",
    503: "authority-locked authority-unreachable confinement-failed consistency-refused ledger-damaged"
    " module-unavailable storage store-unavailable time-not-available",
}
"""The codes of refusals under each status."""

STATUS_OF = {code: status for status, codes in _CODES.items() for code in codes.split()}


def status_of(refusal: RefusalError) -> int:
    """The HTTP status for *refusal*; 500 for an error that should have been caught earlier."""
    return STATUS_OF.get(refusal.code, 500)


SENTENCES = {
    400: "The request cannot be read; nothing was done.",
    403: "This form is too old or was not sent from here; load the page again and repeat it.",
    404: "There is no such page.",
    405: "This address does not take this kind of request.",
    408: "The request took too long to arrive; nothing was done.",
    411: "The request does not say how long it is.",
    413: "This is larger than what is accepted here.",
    414: "This address is too long.",
    415: "This kind of content is not accepted here.",
    422: "What was sent does not fit this form; nothing was done.",
    429: "There were too many attempts in a short time.",
    431: "The headers of this request are too long.",
    500: "Something failed on our side; nothing was changed. The operator finds the reason in the journal.",
    503: "The service is not available now; nothing is lost, try again in a moment.",
}

log = logging.getLogger("vermilion.web")


def install(app: Flask) -> None:
    """Answers errors of *app* with :func:`answer`."""

    @app.errorhandler(HTTPException)
    def mishap(error: HTTPException) -> Response:
        status = error.code or 500
        response = answer(
            status, programs.HTTP, translate()(SENTENCES.get(status, SENTENCES[400 if status < 500 else 500]))
        )
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(RefusalError)
    def refusal(error: RefusalError) -> Response:
        reason = {"reason": error.reason} if isinstance(error, DocumentRefused) else None
        return answer(status_of(error), error.code, translate()(error.template, **error.values), reason)

    @app.errorhandler(Exception)
    def fault(error: Exception) -> Response:
        mark = f" ({programs.request_id()})" if programs.is_program() else ""
        log.error("%s %s failed%s", request.method, quote(request.path), mark, exc_info=error)
        return mishap(InternalServerError())


def answer(status: int, code: str, sentence: str, more: Mapping[str, object] | None = None) -> Response:
    """The refusal in the form that the caller prefers: a page for browsers, JSON for programs, below ``/api/`` a
    problem, with *more* members."""
    if programs.is_program():
        return _retry_later(programs.answer(status, code, sentence, more))
    best = request.accept_mimetypes.best_match(["application/json", "text/html"], default="application/json")
    if best == "text/html":
        response = make_response(
            render_template("error.html", status=status, sentence=sentence, **_ways(status)), status
        )
    else:
        response = make_response(jsonify({"status": status, "code": code, "detail": sentence}), status)
    return _retry_later(response)


def _retry_later(response: Response) -> Response:
    if response.status_code == 503:
        response.headers["Retry-After"] = "5"
    return response


def _ways(status: int) -> dict[str, str | None]:
    """Where a reader can go on: ``again`` for what was only read, ``back`` to a page of ours that led here,
    ``onward`` to what shows how things stand, when they stand otherwise than the reader's page said."""
    onward = page_above() if status == 409 else None
    if request.method in ("GET", "HEAD"):
        again = request.full_path.rstrip("?") if request.path != "/" else None
        return {"again": again, "back": None, "onward": onward}
    return {"again": None, "back": page_before(), "onward": onward}
