"""What SCIM clients send, and how they are refused: bounded, and read strictly before anything looks at it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

SCIM: Final = "application/scim+json"
KINDS: Final = frozenset({SCIM, "application/json"})

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a request: a group of ten thousand members, each with its address. nginx lets as many through."""

MOST_VALUES: Final = 200_000
"""Values of a request, about: by tiny ones a content of this size would take twenty times as much memory."""

DEEPEST: Final = 12
"""Levels of a request; those of RFC 7644 have six."""

MOST_OPERATIONS: Final = 1_000
"""Operations of one PATCH."""

MOST_OF_ATTRIBUTES: Final = 100
"""Operations of one PATCH that are not about the members of a group: each looks at the whole resource."""

MOST_MEMBERS: Final = 20_000
"""Members that one request names."""

LONGEST_FILTER: Final = 4_096
"""Characters of a filter."""

_UNTYPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that no value has: control characters, and halves of one, which JSON can hold."""


class ScimError(Exception):
    """A refusal (RFC 7644, 3.12): the HTTP status, a sentence in English, and the ``scimType`` if there is one."""

    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.scim_type = status, detail, scim_type


def invalid_syntax(detail: str) -> ScimError:
    """The request does not have the form that it should have."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_value(detail: str) -> ScimError:
    """A value does not fit."""
    return ScimError(400, detail, "invalidValue")


def read_body() -> dict[str, Any]:
    """The object that was sent. Raises :class:`ScimError`."""
    request.max_content_length = LARGEST
    if request.mimetype not in KINDS:
        raise ScimError(415, f"The content must be {SCIM} or application/json.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ScimError(415, "The content must not be compressed.")
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge as large:
        raise ScimError(413, f"The content is larger than {LARGEST} bytes.") from large
    return parse(content)


def parse(content: bytes) -> dict[str, Any]:
    """*content* as an object of JSON (RFC 8259): no name twice, in letters of any case (RFC 7643, 2.1), nothing
    too deep, no characters that nobody types. Raises :class:`ScimError`."""
    if content.count(b",") + content.count(b"{") + content.count(b"[") > MOST_VALUES:
        raise invalid_syntax(f"The content has more than {MOST_VALUES} values.")
    try:
        found = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as wrong:
        raise invalid_syntax("The content is not JSON in UTF-8.") from wrong
    except ValueError as wrong:  # a number of thousands of digits
        raise invalid_syntax("The content has a number that is too long.") from wrong
    if not isinstance(found, dict):
        raise invalid_syntax("The content is not an object.")
    for text in _texts(found, DEEPEST):
        if _UNTYPED.search(text):
            raise invalid_value("A text has control characters.")
    return found


def without(found: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """*found* without the attributes of these *names*, which are in small letters."""
    return {name: value for name, value in found.items() if name.lower() not in names}


def value_of(found: Mapping[str, Any], name: str) -> Any:
    """The value of *name*, in letters of any case; None without."""
    return next((value for each, value in found.items() if each.lower() == name.lower()), None)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {name.lower() for name, _ in pairs}
    if len(names) < len(pairs):
        raise invalid_syntax("The content has an attribute twice.")
    return dict(pairs)


def _no_number(text: str) -> NoReturn:
    raise invalid_syntax(f"{text} is no number of JSON.")


def _texts(value: object, deep: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and deep == 0:
        raise invalid_syntax(f"The content has more than {DEEPEST} levels.")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each, deep - 1)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, deep - 1)
