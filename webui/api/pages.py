"""What is served of the API for its readers: the OpenAPI document, and the same as a page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from flask import Response, g, make_response, render_template, request
from markupsafe import Markup, escape

from appliance.language import Language
from appliance.model.api_clients import SCOPE_TITLES
from webui.api import openapi as described
from webui.api.operations import JSON, OPERATIONS, Operation
from webui.shared.forms import member_of
from webui.shared.language import NAMES, current_language, say
from webui.shared.markdown import render_markdown
from webui.shared.programs import TITLES

_GROUPS: Final[Mapping[str, str]] = {
    "batches": "Batches",
    "capture-schedules": "Schedules of captures",
    "captures": "Captures of web pages",
    "client": "The client itself",
    "contracts": "Contracts",
    "deposit-batches": "Deposit batches",
    "deposited-files": "Deposited files",
    "deposits": "Deposits",
    "events": "Events",
    "log": "Log",
    "people": "People",
    "powers": "Powers of attorney",
    "seal-uses": "Register of seal uses",
    "templates": "Templates",
    "timestamps": "Timestamps",
    "token": "Access tokens",
    "verifications": "Verifications",
    "webhooks": "Webhooks",
}
"""What the operations are about, by the first word of their paths."""


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field of a type: what it holds, in the words of the document."""

    name: str
    kind: str
    required: bool
    description: str


def openapi() -> Response:
    """The document, for everybody."""
    content = described.document()
    response = Response(content, content_type=JSON)
    response.headers["Cache-Control"] = "public, no-cache"
    response.set_etag(hashlib.sha256(content).hexdigest()[:16])
    response.make_conditional(request)
    return response


def docs() -> Response:
    """The page, in the language that its address asks for (``?language=zh``), else in the browser's: no answer
    below the API's prefix sets or heeds a cookie."""
    g.language = member_of(Language, request.args.get("language", "")) or current_language()
    document = json.loads(described.document())
    page = render_template(
        "api/docs.html",
        prefix=described.PREFIX,
        introduction=_introduction(),
        groups=_groups(),
        titles=_GROUPS,
        operations=document["paths"],
        codes_of=_own_codes,
        common=sorted(_common_codes()),
        types={name: (schema, _fields(schema)) for name, schema in document["components"]["schemas"].items()},
        codes={code: (TITLES.get(code, code), described.status_of_code(code)) for code in _codes()},
        kind_of=_kind,
        described=_described,
        scopes={scope.value: title for scope, title in SCOPE_TITLES.items()},
        languages=[(each, each.tag, name) for each, name in NAMES if each is not current_language()],
    )
    return make_response(page)


@cache
def _common_codes() -> frozenset[str]:
    """Those that every operation with a token has."""
    return frozenset.intersection(*(frozenset(described.codes_of(each)) for each in OPERATIONS if each.scope))


def _own_codes(operation: Operation) -> dict[int, list[str]]:
    """The codes of *operation* under their statuses, but for the common ones."""
    found = {
        status: [code for code in codes if code not in _common_codes()]
        for status, codes in described.codes_by_status(operation).items()
    }
    return {status: codes for status, codes in found.items() if codes}


def _introduction() -> Markup:
    """What stands before the operations, each paragraph in the reader's language."""
    paragraphs = [say(" ".join(each.split())) for each in described.DESCRIPTION.split("\n\n")]
    _, introduction = render_markdown("\n\n".join(["# API", *paragraphs]))
    return introduction


def _described(words: str) -> list[Markup]:
    """The paragraphs of a description in the reader's language, in which what stands between backticks is code."""
    return [
        Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(say(each)))))  # noqa: S704 -- it is escaped before
        for each in words.split("\n\n")
        if each
    ]


def _groups() -> dict[str, list[Operation]]:
    """The operations by the first word of their paths."""
    found: dict[str, list[Operation]] = {}
    for each in sorted(OPERATIONS, key=lambda one: one.path):
        found.setdefault(each.path.split("/")[1], []).append(each)
    return found


@cache
def _codes() -> tuple[str, ...]:
    return tuple(sorted({code for each in OPERATIONS for code in described.codes_of(each)}))


def _fields(schema: Mapping[str, Any]) -> list[DescribedField]:
    """Those of an object; of a word, the words that it can be."""
    if "enum" in schema:
        words = schema.get("oneOf", ())
        return [DescribedField(each["const"], "string", False, each["description"]) for each in words]
    required = schema.get("required", ())
    return [
        DescribedField(name, _kind(each), name in required, _description(each))
        for name, each in schema.get("properties", {}).items()
    ]


def _description(schema: Mapping[str, Any]) -> str:
    """That of a field; where it may be null, that of what it is otherwise."""
    places = [schema, *schema.get("anyOf", ())]
    return next((str(each["description"]) for each in places if "description" in each), "")


def _kind(schema: Mapping[str, Any]) -> str:
    """The type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(_kind(each) for each in schema[several])
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}))}[]"
    kind = schema.get("type", "any")
    form = schema.get("format") or schema.get("contentEncoding") or schema.get("contentMediaType")
    return f"{kind} ({form})" if form else str(kind)
