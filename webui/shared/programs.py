"""Requests of programs, under ``/api/`` and ``/csc/``: they have no cookie, no form and no page. Every error is a
problem (RFC 9457), below ``/csc/`` an error of the CSC API (10.1)."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from flask import Flask, Response, g, jsonify, request

from appliance.api_clients import ApiRequest, ApiUsage, thumbprint_at
from webui.shared.headers import CERTIFICATE
from webui.shared.language import is_program, translate
from webui.shared.served import appliance

__all__ = ["PROBLEM", "TITLES", "answer", "certificate", "csc_answer", "install", "is_program", "request_id"]

PROBLEM: Final = "application/problem+json"

DOCUMENTATION: Final = "/api/v1/docs"
"""The page on which every code of a problem is explained, at the anchor of its name."""

TITLES: Final[Mapping[str, str]] = {
    "activation-locked": "Too many wrong answers",
    "authority-locked": "The authority is locked",
    "authority-unreachable": "The authority does not answer",
    "bad-request": "The request cannot be read",
    "cannot-initiate": "This person cannot start contracts",
    "confinement-failed": "A document could not be worked on",
    "content-too-large": "The content is too large",
    "document-refused": "The document cannot be taken",
    "evidence-incomplete": "The evidence is not complete",
    "fields-refused": "Fields or parties have faults",
    "idempotency-key-invalid": "The Idempotency-Key is not valid",
    "idempotency-key-missing": "The Idempotency-Key is missing",
    "idempotency-key-reused": "The Idempotency-Key was used before",
    "internal": "Something failed on our side",
    "invalid-body": "The content does not fit",
    "invalid-parameter": "A parameter does not fit",
    "ledger-damaged": "The log cannot be relied on",
    "list-refused": "Rows have faults",
    "maintenance": "Under maintenance",
    "method-not-allowed": "The address does not take this method",
    "module-unavailable": "The HSM does not answer",
    "not-allowed": "Not allowed",
    "not-found": "Not found",
    "not-json": "The content is not JSON",
    "out-of-reach": "Out of this client's reach",
    "precondition-refused": "A precondition is not met",
    "request-under-way": "The same request is being worked on",
    "scope-missing": "The token lacks the scope",
    "state-refused": "The state does not allow this",
    "storage": "The storage cannot be used now",
    "time-not-available": "The time is not certain enough",
    "token-missing": "An access token is missing",
    "token-refused": "The access token is not valid",
    "too-many-requests": "Too many requests",
    "unavailable": "The service is not available now",
    "unknown-person": "There is no such person",
    "unsupported-media-type": "This kind of content is not taken",
    "version-changed": "The contract has changed",
    "version-invalid": "The version is not valid",
    "version-missing": "The version is missing",
}
"""By code, what kind of problem it is. The codes are stable."""

_OF_STATUS: Final[Mapping[int, str]] = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
}
"""The code of what the web framework refuses; of other statuses that of their class."""

CSC: Final = "/csc/"
"""Below it every error is in the form of the CSC API."""

CSC_TOKEN: Final = f"{CSC}oauth2/token"  # an address
"""Where clients of the CSC API look for the token endpoint of the API."""

_CSC_ERRORS: Final[Mapping[int, str]] = {429: "temporarily_unavailable", 503: "temporarily_unavailable"}
"""The ``error`` for a status; of others that of their class."""

HTTP: Final = "http"
"""Stands for the code of what the web framework refuses."""

_OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = logging.getLogger("vermilion.api")


def install(app: Flask, usage: ApiUsage) -> None:
    """Marks each request of a program to *app* with an id, writes a line about it into the log, and counts it in
    *usage*."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def mark(response: Response) -> Response:
        if is_program():
            response.headers["X-Request-Id"] = request_id()
            client = g.get("api_client", "-")
            path = quote(request.path)  # a line end in it would begin a line of its own
            log.info("%s %s %s %d client=%s", request_id(), request.method, path, response.status_code, client)
            usage.count(_answered(response.status_code))
        return response


def _answered(status: int) -> ApiRequest:
    client = g.get("api_client") or g.get("named_client")
    operation = (request.endpoint or "none").removeprefix("api.").replace(".", "_").lower()
    now = time.perf_counter()
    return ApiRequest(client, operation, status, g.get("problem", ""), now - g.get("begun", now))


def request_id() -> str:
    """The id of this request: the caller's own (``X-Request-Id``) where it is one, else a new one."""
    if "request_id" not in g:
        own = request.headers.get("X-Request-Id", "")
        g.request_id = own if _OWN_ID.fullmatch(own) else secrets.token_hex(12)
    return str(g.request_id)


def certificate() -> str | None:
    """The SHA-256 (hex) of the certificate by which this connection was made; None without one that is valid
    now."""
    pem = request.environ.get(CERTIFICATE)
    return None if pem is None else thumbprint_at(pem, appliance.now())


def answer(status: int, code: str, sentence: str, more: Mapping[str, object] | None = None) -> Response:
    """The problem; *sentence* is in the caller's language already, *more* are further members, which the CSC API
    does not have."""
    if request.path.startswith(CSC):
        error = _CSC_ERRORS.get(status) or ("invalid_request" if status < 500 else "server_error")
        return csc_answer(status, error, sentence)
    if code == HTTP:
        code = _OF_STATUS.get(status) or _OF_STATUS[400 if status < 500 else 500]
    g.problem = code
    title = TITLES.get(code, HTTPStatus(status).phrase)
    problem = {
        "type": f"{DOCUMENTATION}#{code}",
        "title": translate()(title),
        "status": status,
        "code": code,
        "detail": sentence,
        "instance": request_id(),
        **(more or {}),
    }
    response = jsonify(problem)
    response.status_code, response.mimetype = status, PROBLEM
    return response


def csc_answer(status: int, error: str, sentence: str) -> Response:
    """An error of the CSC API."""
    g.problem = error
    response = jsonify(error=error, error_description=sentence)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
