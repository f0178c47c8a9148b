"""How a request of the API is worked on.

1. Who asks: the bearer token (RFC 6750) gives a client and its scopes; a cookie gives nothing. One that is for a
   certificate counts over connections by that certificate (RFC 8705, 3).
2. How often: each client has so many requests in a minute, and so has each network of those who are none yet.
3. What is sent: the parameters, the version (``If-Match``), the content, each as the operation declares it.
4. Once: a request with an ``Idempotency-Key`` that was answered with success is answered by the same again, while
   the contract is within the client's reach. One that is refused frees its key; of one that failed nobody knows
   what it made, so that its repetition goes on with the id that was chosen.
5. The operation runs with the client as the one for which this thread works; the access check holds it to its
reach.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Response, g, request

from appliance.accounts.throttle import network_of
from appliance.acting_client import acting_for
from appliance.model.api_clients import GrantedAccess
from appliance.submissions import ClaimedRequest, KeptAnswer
from hsm.errors import RefusalError
from webui.api import request_content
from webui.api.operations import JSON, Answer, Call, KeyRule, Operation, VersionRule
from webui.api.problems import ProblemError
from webui.api.refusals import about_member
from webui.shared import api_requests
from webui.shared.errors import status_of
from webui.shared.rate_limits import RateLimits
from webui.shared.served import appliance

REALM: Final = "vermilion"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,512}=*")
_KEY = re.compile(r'("?)([\x21\x23-\x7e]{1,128})\1')
_VERSION = re.compile(r'"([0-9]{1,12})"')
_MADE = re.compile(
    r"/api/v1/(?P<of>contracts|powers|deposits|deposit-batches|captures|capture-schedules)/(?P<id>[^/]+)"
)
_KEPT_HEADERS = ("ETag", "Location")


def view_of(operation: Operation, limits: RateLimits) -> Callable[..., Response]:
    """What Flask runs for *operation*."""

    def view(**parts: str) -> Response:
        access = None if operation.request.public else _authenticated(operation)
        network = f"network {network_of(request.remote_addr or '')}"
        who = network if access is None else f"client {access.client.id}"
        allowance = limits.count(who)
        g.allowance = allowance
        if allowance.spent:
            problem = ProblemError("Too many requests in a minute; wait a little.", "too-many-requests")
            raise problem.answered_with(Retry_After=str(allowance.seconds))
        call, content = _read(operation, access)
        if access is None:
            return _response(operation, _run(operation, call, parts))
        with acting_for(access.client.reach):
            return _run_once(operation, call, content, parts)

    return view


def _authenticated(operation: Operation) -> GrantedAccess:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        problem = ProblemError(
            "Send an access token, got at /api/v1/token: Authorization: Bearer …", "token-missing"
        )
        raise problem.answered_with(WWW_Authenticate=f'Bearer realm="{REALM}"')
    try:
        token = token.strip() if _TOKEN.fullmatch(token.strip()) else ""
        access = appliance.api_clients.access_of(token, api_requests.certificate())
    except RefusalError as refusal:
        if refusal.code != "token-refused":
            raise
        problem = ProblemError(
            "The access token is unknown, has expired, was withdrawn, or is for another certificate; get a new one"
            " at /api/v1/token.",
            "token-refused",
        )
        challenge = f'Bearer realm="{REALM}", error="invalid_token"'
        raise problem.answered_with(WWW_Authenticate=challenge) from refusal
    g.api_client = access.client.id
    if operation.scope is not None and operation.scope not in access.scopes:
        problem = ProblemError(
            "The token lacks the scope {scope}. If the client has it, get a token with it; an administrator gives"
            " clients their scopes.",
            "scope-missing",
            scope=operation.scope.value,
        )
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{operation.scope.value}"'
        raise problem.answered_with(WWW_Authenticate=challenge)
    return access


def _read(operation: Operation, access: GrantedAccess | None) -> tuple[Call, bytes]:
    """The request as the operation declares it, and its content. Which version it is about is looked at last: what
    would be refused anyway is refused for that (RFC 9110, 13.2.1)."""
    _key(operation.request.key)
    call, content = _sent(operation, access)
    return replace(call, version=_version(operation.request.version)), content


def _sent(operation: Operation, access: GrantedAccess | None) -> tuple[Call, bytes]:
    declared, largest = operation.request, appliance.settings.documents.largest
    call = Call(access)
    if declared.query is not None:
        call = replace(call, asked=request_content.read_query(declared.query))
    if declared.body is None or declared.public:
        return call, b""
    file = request.mimetype if request.mimetype in declared.files else declared.body
    if isinstance(file, str):
        content = request_content.read_bytes(file, largest)
        return replace(call, sent=content), content
    content = request_content.read_content(max(largest * 4 // 3 + request_content.ROOM_FOR_FIELDS, declared.room))
    return replace(call, sent=request_content.read_json(declared.body, content)), content


def _version(rule: VersionRule) -> int | None:
    given = request.headers.get("If-Match")
    if not rule.is_about_one or (given is None and rule is VersionRule.OPTIONAL):
        return None
    if given is None:
        raise ProblemError("Say in If-Match which version you have read (its ETag).", "version-missing")
    found = _VERSION.fullmatch(given.strip())
    if '"' not in given and given.strip() != "*":  # no entity tag at all (RFC 9110, 8.8.3 and 13.1.1)
        raise ProblemError(
            "If-Match has the ETag as it was given, with its quotation marks, such as {example}.",
            "version-invalid",
            example='"3"',
        )
    if found is None:
        raise ProblemError("This is not the version of the contract; read it again.", "version-changed")
    return int(found[1])


def _run_once(operation: Operation, call: Call, content: bytes, parts: dict[str, str]) -> Response:
    claimed = _claim(operation, content)
    if isinstance(claimed, KeptAnswer):
        _require_reach(claimed, parts)
        return _replayed(claimed)
    if claimed is None:
        return _response(operation, _run(operation, call, parts))
    requests = appliance.keyed_requests
    try:
        response = _response(operation, _run(operation, replace(call, claimed=claimed), parts))
    except ProblemError:
        requests.release(claimed)
        raise
    except RefusalError as refusal:
        (requests.fail if status_of(refusal) >= 500 else requests.release)(claimed)
        raise
    except BaseException:
        requests.fail(claimed)
        raise
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    requests.finish(claimed, KeptAnswer(response.status_code, headers, response.get_data()))
    return response


def _run(operation: Operation, call: Call, parts: dict[str, str]) -> Answer:
    try:
        return operation.run(call, **parts)
    except RefusalError as refusal:
        about = about_member(refusal, call.sent)
        if about is None:
            raise
        raise about from refusal


def _key(rule: KeyRule) -> str | None:
    """The request's key, which may stand in quotation marks; None for a request without one."""
    key = request.headers.get("Idempotency-Key")
    if rule is KeyRule.NONE or (key is None and rule is KeyRule.OPTIONAL):
        return None
    if key is None:
        raise ProblemError(
            "Send an Idempotency-Key, a random value of your own: it makes repeating this request safe.",
            "idempotency-key-missing",
        )
    found = _KEY.fullmatch(key.strip())
    if found is None:
        raise ProblemError(
            "An Idempotency-Key has 1 to 128 visible ASCII characters, without quotation marks inside.",
            "idempotency-key-invalid",
        )
    return found[2]


def _claim(operation: Operation, content: bytes) -> ClaimedRequest | KeptAnswer | None:
    """The claim by the request's key, or the answer that it got before; None for a request without a key."""
    key = _key(operation.request.key)
    if key is None:
        return None
    sent = (request.method, request.path, hashlib.sha256(content).hexdigest())
    return appliance.keyed_requests.claim(g.api_client, key, sent)


def _require_reach(kept: KeptAnswer, parts: dict[str, str]) -> None:
    """Raises :class:`NotFound` for the answer about something that the client no longer reaches: the type of a
    contract was changed, or somebody is of another organisation now."""
    made = _MADE.match(kept.headers.get("Location", ""))
    for part, about in ({_PART_OF[made["of"]]: made["id"]} if made else parts).items():
        _require_part(part, about)


def _require_part(part: str, about: str) -> None:
    match part:
        case "capture_id":
            appliance.captures.of_client(about)
        case "contract_id":
            appliance.client_contracts.read(about)
        case "deposit_batch_id":
            appliance.deposit_batches.find(about)
        case "deposit_id":
            appliance.ownership.of_client(about)
        case "power_id":
            appliance.powers.of_client(about)
        case "schedule_id":
            appliance.captures.schedule_of_client(about)


_PART_OF: Final[Mapping[str, str]] = {
    "captures": "capture_id",
    "capture-schedules": "schedule_id",
    "contracts": "contract_id",
    "deposit-batches": "deposit_batch_id",
    "deposits": "deposit_id",
    "powers": "power_id",
}


def _replayed(kept: KeptAnswer) -> Response:
    response = Response(kept.body, kept.status, dict(kept.headers), content_type=JSON)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _response(operation: Operation, answer: Answer) -> Response:
    declared = operation.answers[answer.status]
    kind = declared if isinstance(declared, str) else JSON
    content = answer.value if isinstance(answer.value, bytes) else msgspec.json.encode(answer.value)
    response = Response(content, answer.status, dict(answer.headers), content_type=kind)
    if answer.version is not None:
        response.set_etag(str(answer.version))
        is_known = operation.request.version is VersionRule.KNOWN
        if is_known and request.if_none_match.contains_weak(str(answer.version)):  # RFC 9110, 13.1.2
            response.status_code = HTTPStatus.NOT_MODIFIED
            response.set_data(b"")
    return response
