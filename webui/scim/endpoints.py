"""``/scim/v2``: where an identity provider pushes people and groups, as a blueprint.

Whoever asks is a client of the API with the scope ``directory:write``. It proves so by an access token, or, since
most identity providers send one fixed token alone, by its id and its secret with a dot between: ``Authorization:
Bearer client-….SECRET``. A client that has no secret, but a certificate or a key, sends access tokens. Nothing is
in the address: what stands there is logged on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, g, json, request

from appliance.accounts.throttle import network_of
from appliance.directories.provisioning import Provisioning
from appliance.errors import ClientRefused, NotFound, PreconditionRefused, StateRefused
from appliance.model.api_clients import GrantedAccess, Scope
from appliance.model.provisioning import ResourceKind
from hsm.errors import RefusalError
from hsm.names import name_key
from webui.scim.requests import KINDS, SCIM, ScimError
from webui.shared.errors import status_of
from webui.shared.programs import scim_answer
from webui.shared.rate_limits import RateLimits

if TYPE_CHECKING:
    from webui.scim.operations import Answer, Operations

PREFIX: Final = "/scim/v2"
DOCUMENTATION: Final = "/api/v1/docs"

_ID = r"client-[0-9a-f]{16}"
_BY_SECRET = re.compile(rf"({_ID})\.([A-Za-z0-9_-]{{16,128}})")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,512}=*")
_IN_ADDRESS: Final = ("access_token", "client_secret", "token")

Action = Callable[["Operations"], "Answer"]


@dataclass(frozen=True, slots=True)
class ScimService:
    """What the endpoints are made of.

    ``access_of`` says what an access token proves, ``by_secret`` what a client's secret does; ``organisation`` is
    whose people are pushed, ``portal`` the portal's address, ``limits`` how often a client may ask.
    """

    provisioning: Provisioning
    access_of: Callable[[str], GrantedAccess | None]
    by_secret: Callable[[str, str, Scope], GrantedAccess]
    organisation: str
    portal: str
    limits: RateLimits


def scim_pages(service: ScimService) -> Blueprint:
    """The blueprint. Its callers are programs: it has no forms and reads no cookie."""
    pages, endpoints = Blueprint("scim", __name__, url_prefix=PREFIX), _Endpoints(service)

    def add(rule: str, name: str, method: str, action: Callable[..., Answer], *kinds: ResourceKind) -> None:
        def view(**parts: str) -> Response:
            return endpoints.answer(lambda operations: action(operations, *kinds, *parts.values()))

        pages.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)

    for kind in ResourceKind:
        name, rule = f"{kind.value.lower()}s", f"/{kind.value}s"
        add(rule, f"{name}_list", "GET", lambda found, *kinds: found.search(*kinds), kind)
        add(rule, f"{name}_create", "POST", lambda found, kind: found.create(kind), kind)
        add(f"{rule}/.search", f"{name}_search", "POST", lambda found, *kinds: found.post_search(*kinds), kind)
        for method, action in _OF_ONE.items():
            add(f"{rule}/<resource_id>", f"{name}_{method.lower()}", method, action, kind)
    add("/.search", "search", "POST", lambda found, *kinds: found.post_search(*kinds), *ResourceKind)
    add("/ServiceProviderConfig", "configuration", "GET", lambda found: found.configuration())
    for rule, name, action in _DESCRIBED:
        add(rule, f"{name}_list", "GET", action)
        add(f"{rule}/<name>", name, "GET", action)
    for rule in ("/Bulk", "/Me"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            add(rule, f"{rule[1:].lower()}_{method.lower()}", method, _not_offered)
    return pages


_OF_ONE: Final[dict[str, Callable[..., Any]]] = {
    "GET": lambda found, kind, resource_id: found.read(kind, resource_id),
    "PUT": lambda found, kind, resource_id: found.replace(kind, resource_id),
    "PATCH": lambda found, kind, resource_id: found.patch(kind, resource_id),
    "DELETE": lambda found, kind, resource_id: found.delete(kind, resource_id),
}
_DESCRIBED: Final[tuple[tuple[str, str, Callable[..., Any]], ...]] = (
    ("/ResourceTypes", "resource_types", lambda found, name="": found.resource_types(name)),
    ("/Schemas", "schemas", lambda found, name="": found.schemas(name)),
)


def _not_offered(_operations: Operations) -> Answer:
    raise ScimError(501, "This is not offered; see /ServiceProviderConfig.")


class _Endpoints:
    """The views."""

    def __init__(self, service: ScimService) -> None:
        self._service = service

    def answer(self, action: Action) -> Response:
        """What *action* answers to the client, or the refusal in the terms of SCIM."""
        try:
            self._admit()
            return _response(action(self._operations))
        except ScimError as error:
            return _refused(error)
        except NotFound as missing:
            return _refused(ScimError(404, str(missing)))
        except StateRefused as taken:
            return _refused(ScimError(409, str(taken), "uniqueness"))
        except PreconditionRefused as wrong:
            return _refused(ScimError(400, str(wrong), "invalidValue"))
        except RefusalError as refusal:
            return _refused(ScimError(status_of(refusal), str(refusal)))

    @cached_property
    def _operations(self) -> Operations:
        """They bring thirty megabytes of library: who is not pushed to, does not pay for it."""
        from webui.scim.operations import Operations  # noqa: PLC0415

        portal = self._service.portal
        return Operations(self._service.provisioning, f"{portal}{PREFIX}", f"{portal}{DOCUMENTATION}")

    def _admit(self) -> None:
        """Raises :class:`ScimError` unless a client asks that may, and not too often."""
        if any(name in request.args for name in _IN_ADDRESS):
            raise ScimError(400, "A secret or a token stands in the Authorization header, never in the address.")
        access = self._access()
        if access is None:
            self._count(f"network {network_of(request.remote_addr or '')}")
            raise ScimError(401, "Send Authorization: Bearer with an access token, or with CLIENT-ID.SECRET.")
        g.api_client = access.client.id
        self._count(f"client {access.client.id}")
        if Scope.DIRECTORY_WRITE not in access.scopes:
            raise ScimError(403, "The API client, or its token, lacks the scope directory:write.")
        if name_key(self._service.organisation) not in map(name_key, access.client.organisations):
            raise ScimError(
                403, "The directory's people are of an organisation that this API client does not reach."
            )

    def _access(self) -> GrantedAccess | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip()
        if kind.lower() != "bearer" or not _TOKEN.fullmatch(given):
            return None
        by_secret = _BY_SECRET.fullmatch(given)
        if by_secret is None:
            return self._service.access_of(given)
        try:
            return self._service.by_secret(by_secret[1], by_secret[2], Scope.DIRECTORY_WRITE)
        except ClientRefused:
            return None

    def _count(self, who: str) -> None:
        g.allowance = allowance = self._service.limits.count(who)
        if allowance.spent:
            raise ScimError(429, "Too many requests in a minute; wait a little.")


_CODES: Final = {400: "bad-request", 401: "token-refused", 403: "scope-missing", 404: "not-found"}
_CODES_OF_OTHERS: Final = {409: "state-refused", 412: "version-changed", 413: "content-too-large"}
_COUNTED: Final = {**_CODES, **_CODES_OF_OTHERS, 415: "unsupported-media-type", 429: "too-many-requests"}
"""As what refusals are counted."""


def _response(answer: Answer) -> Response:
    content, status, headers = answer
    body = b"" if content is None else json.dumps(content, sort_keys=False).encode()
    response = Response(body, status, headers, content_type=_kind())
    if content is None:
        del response.headers["Content-Type"]
    return response


def _kind() -> str:
    """The media type that the client wants most (RFC 7644, 3.8)."""
    return request.accept_mimetypes.best_match([SCIM, *sorted(KINDS - {SCIM})], default=SCIM) or SCIM


def _refused(error: ScimError) -> Response:
    answer = scim_answer(error.status, error.detail, _COUNTED.get(error.status, "bad-request"), error.scim_type)
    if error.status in (401, 403):
        problem = "" if "Authorization" not in request.headers else ', error="invalid_token"'
        problem = ', error="insufficient_scope", scope="directory:write"' if error.status == 403 else problem
        answer.headers["WWW-Authenticate"] = f'Bearer realm="vermilion"{problem}'
    if error.status == 429:
        answer.headers["Retry-After"] = str(g.allowance.seconds)
    if error.status == 503:
        answer.headers["Retry-After"] = "5"
    return answer
