"""Requests of programs, under ``/api/``, ``/csc/`` and ``/scim/``: they have no cookie, no form and no page. Every
error is a problem (RFC 9457), below ``/csc/`` an error of the CSC API (10.1), below ``/scim/`` one of SCIM (RFC
7644, 3.12)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flask import Response, g, jsonify, request

from webui.shared.language import is_program, translate

__all__ = ["PROBLEM", "TITLES", "answer", "csc_answer", "is_program", "request_id", "scim_answer"]

PROBLEM: Final = "application/problem+json"

DOCUMENTATION: Final = "/api/v1/docs"
"""The page on which every code of a problem is explained, at the anchor of its name."""

TITLES: Final[Mapping[str, str]] = {
    "activation-locked": "Too many wrong answers",
    "authority-locked": "The authority is locked",
    "authority-unreachable": "The authority does not answer",
    "bad-request": "The request cannot be read",
    "cannot-capture": "This person cannot capture web pages",
    "cannot-deposit": "This person cannot deposit",
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

SCIM: Final = "/scim/"
"""Below it every error is in the form of SCIM."""

SCIM_JSON: Final = "application/scim+json"
_SCIM_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"

HTTP: Final = "http"
"""Stands for the code of what the web framework refuses."""

_OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id() -> str:
    """The id of this request: the caller's own (``X-Request-Id``) where it is one, else a new one."""
    if "request_id" not in g:
        own = request.headers.get("X-Request-Id", "")
        g.request_id = own if _OWN_ID.fullmatch(own) else secrets.token_hex(12)
    return str(g.request_id)


def answer(status: int, code: str, sentence: str, more: Mapping[str, object] | None = None) -> Response:
    """The problem; *sentence* is in the caller's language already, *more* are further members, which the CSC API
    does not have."""
    if request.path.startswith(CSC):
        error = _CSC_ERRORS.get(status) or ("invalid_request" if status < 500 else "server_error")
        return csc_answer(status, error, sentence)
    if code == HTTP:
        code = _OF_STATUS.get(status) or _OF_STATUS[400 if status < 500 else 500]
    if request.path.startswith(SCIM):
        return scim_answer(status, sentence, code)
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


def scim_answer(status: int, sentence: str, code: str, scim_type: str = "") -> Response:
    """An error of SCIM; *code* is what it is counted as."""
    g.problem = code
    error: dict[str, object] = {"schemas": [_SCIM_ERROR], "status": str(status), "detail": sentence}
    if scim_type:
        error["scimType"] = scim_type
    response = jsonify(error)
    response.status_code, response.mimetype = status, SCIM_JSON
    response.headers["Cache-Control"] = "no-store"
    return response
