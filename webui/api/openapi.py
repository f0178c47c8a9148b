"""The OpenAPI 3.1 document, made of the declared operations and their types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.model.api_clients import SCOPE_TITLES, Scope
from webui.api.events import EVENT_TYPES, event_types_schema
from webui.api.examples import EXAMPLES
from webui.api.operations import JSON, OPERATIONS, KeyRule, Leads, Operation, VersionRule
from webui.api.problems import STATUS
from webui.api.types import ApiProblem, ApiTokenError
from webui.shared.errors import STATUS_OF
from webui.shared.programs import PROBLEM

FORM: Final = "application/x-www-form-urlencoded"
PREFIX: Final = "/api/v1"
TOKEN_PATH: Final = "/token"  # noqa: S105 -- an address
VERSION: Final = "1.0"

DESCRIPTION: Final = """\
Programs of the enterprise prepare contracts, and read what becomes of them. They never sign: people do, with
keys that no client has.

**Access.** Two administrators create a client. It gets an access token at `/token`, valid for some minutes, and
sends it as `Authorization: Bearer …`. A client works in the name of the people who start contracts; what is out
of its reach answers as if it did not exist.

**Certificates.** Where the administrators have opened a port for certificates (they say which, such as 8446), this
API is there, too. A client that was registered with a TLS certificate gets its tokens there (RFC 8705), and uses
them there: each counts only over connections with the certificate for which it was given.

**Repeating.** Send an `Idempotency-Key` of your own with a POST. The same request with the same key does nothing
twice: an answer of success is kept for 7 days and given again, with `Idempotency-Replayed: true`. The key
belongs to the method, the path and the content; with another request it is refused. A refusal (4xx) keeps
nothing: the key is free for the corrected request. After an answer of 500 or 503, or none at all, repeat the
request with the same key.

**Versions.** The `ETag` of a contract is its version. A change says in `If-Match` which version it is about, and
is refused with 412 once there is a newer one. Reading with `If-None-Match` gives the contract only once it has
changed, else 304.

**Events** are read at `/events`, or sent to webhooks in the form of Standard Webhooks: the same events, with the
same ids, each with the entry of the log that proves it. Two administrators add a webhook; it sends once the
client has made its secret.

**Errors** are problems (RFC 9457). Their `code` is stable, their `detail` a sentence in English, or in Chinese
with `Accept-Language: zh`.

**Limits.** Each client may make so many requests in a minute; `RateLimit` and `RateLimit-Policy` say how many
are left.

**Compatibility.** New operations, fields, codes and values come without notice; ignore what you do not know.
Nothing that is documented here is removed within this version.
"""

_PARTS: Final[Mapping[str, str]] = {
    "batch_id": "The batch's `id`.",
    "capture_id": "The capture's `id`.",
    "contract_id": "The contract's `id`.",
    "deposit_batch_id": "The batch's `id`.",
    "deposit_id": "The deposit's `id`.",
    "file_name": "The file's `name`.",
    "number": "The entry's number, counted from 0.",
    "party_id": "The party's `id`.",
    "power_id": "The power's `id`.",
    "schedule_id": "The schedule's `id`.",
    "webhook_id": "The webhook's `id`.",
    "template_id": "The template's `id`.",
}
_PART_PATTERNS: Final[Mapping[str, str]] = {
    "file_name": "^[a-z0-9][a-z0-9.-]{0,39}$",
    "number": "^(0|[1-9][0-9]{0,17})$",
    "power_id": "^power-[0-9a-f]{12}$",
    "webhook_id": "^webhook-[0-9a-f]{16}$",
}
_ID: Final = "^[0-9a-f]{24}$"
_STATUS_WORDS: Final[Mapping[int, str]] = {
    200: "It was done.",
    201: "It was made.",
    202: "It was ordered, and is made as soon as its turn comes.",
    304: "It is still the version that was named.",
    400: "The request cannot be read.",
    401: "There is no valid access token.",
    403: "The client may not do this.",
    404: "There is no such thing, or not for this client.",
    409: "The state of things does not allow it.",
    412: "The contract has changed since this version.",
    413: "The content is too large.",
    415: "This kind of content is not taken.",
    422: "The content does not fit.",
    428: "The request does not say which version it is about.",
    429: "Too many requests in a minute.",
    500: "Something failed on our side.",
    503: "Not available now, or under maintenance.",
}
_MORE_STATUSES: Final[Mapping[str, int]] = {
    "evidence-incomplete": 500,
    "internal": 500,
    "maintenance": 503,
    "unavailable": 503,
}
_RATE_HEADERS: Final = ("RateLimit", "RateLimit-Policy")


def status_of_code(code: str) -> int:
    """The HTTP status with which the API answers *code*."""
    return STATUS.get(code) or STATUS_OF.get(code) or _MORE_STATUSES[code]


def codes_of(operation: Operation) -> list[str]:
    """Every code that *operation* may refuse with, those of all operations among them."""
    declared = operation.request
    codes = {"internal", "unavailable", "too-many-requests", *declared.problems}
    if not declared.public:
        codes |= {"token-missing", "token-refused", "storage"}
    if operation.scope is not None:
        codes.add("scope-missing")
    if operation.method != "GET" and not declared.public:
        codes.add("maintenance")
    if declared.query is not None:
        codes.add("invalid-parameter")
    if declared.body is not None and not declared.public:
        codes |= {"content-too-large", "unsupported-media-type", "bad-request"}
        codes |= set() if isinstance(declared.body, str) else {"not-json", "invalid-body"}
    if declared.key is not KeyRule.NONE:
        codes |= {"idempotency-key-invalid", "idempotency-key-reused", "request-under-way"}
    if declared.key is KeyRule.REQUIRED:
        codes.add("idempotency-key-missing")
    if declared.version.is_about_one:
        codes |= {"version-changed", "version-invalid"}
    if declared.version is VersionRule.REQUIRED:
        codes.add("version-missing")
    return sorted(codes)


@cache
def document() -> bytes:
    """The document as JSON."""
    return msgspec.json.format(msgspec.json.encode(build(OPERATIONS), order="deterministic"), indent=1) + b"\n"


def build(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document of *operations*, as plain values."""
    every = list(operations)
    types = [ApiProblem, ApiTokenError, *_types(every)]
    _, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for each in every:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, every)
    paths |= _DOCUMENTATION
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vermilion API",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {_public(name): _plain(schema) for name, schema in sorted(components.items())}
            | {EVENT_TYPES: event_types_schema()},
            "links": {
                name: link
                for each in every
                if each.leads is not None
                for name, link in _links(each.leads, every).values()
            },
            "securitySchemes": {
                "oauth": {
                    "type": "oauth2",
                    "description": "RFC 6749, 4.4; RFC 7523 for clients with keys of their own; RFC 8705"
                    " (self_signed_tls_client_auth, certificate-bound tokens) at the port for certificates.",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{PREFIX}{TOKEN_PATH}",
                            "scopes": {scope.value: f"{SCOPE_TITLES[scope]}." for scope in Scope},
                        }
                    },
                },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "At the port for certificates: the one that the client is registered with.",
                },
            },
        },
    }


_REFERENCE = "#/components/schemas/{name}"
_NAMED = re.compile(r"^Api(?=[A-Z])")

_DOCUMENTATION: Final[Mapping[str, dict[str, Any]]] = {
    "/openapi.json": {
        "get": {
            "operationId": "get_openapi",
            "summary": "Read this document",
            "security": [],
            "responses": {
                "200": {"description": "This document.", "content": {JSON: {"schema": {"type": "object"}}}}
            },
        }
    },
    "/docs": {
        "get": {
            "operationId": "get_docs",
            "summary": "Read this document as a page",
            "security": [],
            "responses": {
                "200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
            },
        }
    },
}
"""What is served besides the operations."""


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: list[Any] = []
    for each in operations:
        found += [kind for kind in (each.request.body, *each.answers.values()) if not isinstance(kind, str | None)]
    return found


def _public(name: str) -> str:
    return _NAMED.sub("", name)


def _plain(value: Any) -> Any:
    """A schema as the document has it: references by the public names, docstrings in one line."""
    if isinstance(value, dict):
        plain = {key: _plain(each) for key, each in value.items()}
        if "title" in plain and isinstance(plain["title"], str):
            plain["title"] = _public(plain["title"])
        if isinstance(plain.get("description"), str):
            plain["description"] = " ".join(plain["description"].split())
        return plain
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and value.startswith(_REFERENCE.format(name="")):
        return _REFERENCE.format(name=_public(value.rpartition("/")[2]))
    return value


def _schema(kind: Any) -> Any:
    [schema], _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return _plain(schema)


def _links(leads: Leads, every: Iterable[Operation]) -> dict[str, tuple[str, dict[str, Any]]]:
    """By the name of each operation that *leads* leads to: the name of the link in the document, and the link."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for target in every:
        taken, members = [each["name"] for each in _parameters(target)], _members(target.request.body)
        parameters = {name: leads.values[name] for name in taken if name in leads.values}
        body = {name: value for name, value in leads.content.items() if name in members}
        if set(target.parts) <= leads.values.keys() if target.parts else body and body == leads.content:
            link: dict[str, Any] = {"operationId": target.name}
            link |= {"parameters": parameters} if parameters else {}
            link |= {"requestBody": body} if body else {}
            found[target.name] = (f"{leads.of}.{target.name}", link)
    return found


def _members(kind: Any) -> tuple[str, ...]:
    """The names of the members of a content of *kind*."""
    return kind.__struct_encode_fields__ if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()


def _operation(operation: Operation, every: Iterable[Operation]) -> dict[str, Any]:
    declared = operation.request
    made: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        made["description"] = operation.description
    made["security"] = [] if declared.public else [{"oauth": [operation.scope.value] if operation.scope else []}]
    parameters = _parameters(operation)
    if parameters:
        made["parameters"] = parameters
    if declared.body is not None:
        made["requestBody"] = _request_body(operation)
    made["responses"] = _responses(operation)
    if operation.leads is not None:
        links = {
            target: {"$ref": f"#/components/links/{name}"}
            for target, (name, _) in _links(operation.leads, every).items()
            if (target, operation.method) != (operation.name, "GET")
        }
        for status in operation.answers:
            made["responses"][str(status)]["links"] = links
    return made


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    declared = operation.request
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARTS[name],
            "schema": {"type": "string", "pattern": _PART_PATTERNS.get(name, _ID)},
        }
        for name in operation.parts
    ]
    if declared.query is not None:
        found += _query_parameters(declared.query)
    if declared.key is not KeyRule.NONE:
        found.append(
            _header(
                "Idempotency-Key",
                "A random value of your own, which makes repeating the request safe.",
                declared.key is KeyRule.REQUIRED,
                {
                    "type": "string",
                    "pattern": '^([!#-~]{1,128}|"[!#-~]{1,128}")$',
                    "examples": ["0f7a3c1e-5b0d-4c52-9a6e-6c1f3f0f9b11"],
                },
            )
        )
    if declared.version is VersionRule.KNOWN:
        described = "An `ETag` that was read before; of that version there is no content again (304)."
        found.append(_header("If-None-Match", described, False, {"type": "string", "examples": ['"3"']}))
    if declared.version.is_about_one:
        found.append(
            _header(
                "If-Match",
                "The contract's `ETag`: the version that was read.",
                declared.version is VersionRule.REQUIRED,
                {"type": "string", "pattern": '^"[0-9]{1,12}"$', "examples": ['"3"']},
            )
        )
    return found


def _query_parameters(query: type[Struct]) -> Iterator[dict[str, Any]]:
    _, components = msgspec.json.schema_components([query], ref_template=_REFERENCE)
    schema = components[query.__name__]
    for name, each in schema["properties"].items():
        own = _plain(dict(each))
        described = own.pop("description", None)
        yield (
            {"name": name, "in": "query"}
            | ({"required": True} if name in schema.get("required", ()) else {})
            | {"schema": own}
            | ({"style": "form", "explode": False} if own.get("type") == "array" else {})
            | ({"description": described} if described else {})
        )


def _header(name: str, description: str, required: bool, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _request_body(operation: Operation) -> dict[str, Any]:
    declared = operation.request
    if isinstance(declared.body, str):
        binary = {"schema": {"type": "string", "contentMediaType": declared.body}}
        return {"required": True, "content": {declared.body: binary}}
    content: dict[str, Any] = {"schema": _schema(declared.body)}
    if operation.name in EXAMPLES:
        content["examples"] = {name: {"value": value} for name, value in EXAMPLES[operation.name].items()}
    taken: dict[str, Any] = {FORM if declared.public else JSON: content}
    taken |= {kind: {} for kind in declared.files}  # bytes have no schema (OpenAPI 3.1.0, 4.8.14.2)
    return {"required": not _may_be_empty(declared.body), "content": taken}


def _may_be_empty(kind: Any) -> bool:
    try:
        msgspec.convert({}, kind)
    except msgspec.ValidationError:
        return False
    return True


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        content = (
            {kind: {"schema": {"type": "string", "contentMediaType": kind}}}
            if isinstance(kind, str)
            else {JSON: {"schema": _schema(kind)}}
        )
        responses[str(status)] = {
            "description": _STATUS_WORDS[status],
            "headers": _response_headers(operation, status),
            "content": content,
        }
    if operation.request.version is VersionRule.KNOWN:
        responses["304"] = {"description": _STATUS_WORDS[304], "headers": _response_headers(operation, 304)}
    for status, codes in sorted(codes_by_status(operation).items()):
        responses[str(status)] = {
            "description": f"{_STATUS_WORDS[status]} Codes: {', '.join(f'`{code}`' for code in codes)}.",
            "content": {PROBLEM: {"schema": _schema(ApiProblem)}},
        }
    if operation.request.public:
        for status in (400, 401):
            responses[str(status)] = {
                "description": _TOKEN_WORDS[status],
                "content": {JSON: {"schema": _schema(ApiTokenError)}},
            }
    return dict(sorted(responses.items()))


_TOKEN_WORDS: Final[Mapping[int, str]] = {
    400: "The request does not fit (RFC 6749, 5.2).",
    401: "The client is not known, is suspended, or has not proven itself.",
}


def codes_by_status(operation: Operation) -> dict[int, list[str]]:
    """The codes of *operation* under their statuses."""
    found: dict[int, list[str]] = {}
    for code in codes_of(operation):
        found.setdefault(status_of_code(code), []).append(code)
    return found


def _response_headers(operation: Operation, status: int) -> dict[str, Any]:
    names: dict[str, str] = {
        "X-Request-Id": "The request's id, as the log has it.",
        "RateLimit": "How many requests are left in this minute.",
        "RateLimit-Policy": "How many a client may make.",
    }
    if operation.request.key is not KeyRule.NONE:
        names["Idempotency-Replayed"] = "`true` when the request was answered before."
    if status in (201, 202):
        names["Location"] = "The address of what was made."
    return {name: {"description": words, "schema": {"type": "string"}} for name, words in names.items()}
