"""One byte form for every JSON value that is hashed or signed (the subset of RFC 8785 that we use).

Objects with string keys sorted by code point, arrays, strings, integers, booleans and null; no floats, because
their shortest form differs between implementations; UTF-8, no white space.
"""

from __future__ import annotations

import json
from typing import Any

from hsm.errors import Malformed


def encode(value: Any) -> bytes:
    """Canonical bytes of *value*. Raises :class:`Malformed` for floats and other types without one form."""
    _require_canonical_types(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def decode(data: bytes) -> Any:
    """The value of canonical bytes. Raises :class:`Malformed` unless :func:`encode` gives *data* back."""
    try:
        value = json.loads(data)
        canonical = encode(value)
    except (ValueError, RecursionError) as error:
        raise Malformed("This is not canonical JSON.") from error
    if canonical != data:
        raise Malformed("This JSON is not in canonical form (sorted keys, no white space, no repeated key).")
    return value


def _require_canonical_types(value: Any) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, list):
        for item in value:
            _require_canonical_types(item)
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for item in value.values():
            _require_canonical_types(item)
    else:
        raise Malformed("A value of type {kind} has no canonical form.", kind=type(value).__name__)
