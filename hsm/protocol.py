"""Frames on the authority's socket: four bytes of length, big-endian, then CBOR (RFC 8949).

A request is ``{"op": name, "args": {...}}``; a reply is ``{"ok": value}`` or ``{"error": {"code", "template",
"values"}}``. Only plain CBOR is accepted (see :mod:`hsm.cbor`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import cbor2

from hsm import cbor
from hsm.errors import AuthorityError, BadRequest, Malformed, error_class

LIMIT = 4 * 1024 * 1024
"""Bytes of CBOR in one frame, at most."""
REQUEST_LIMIT = 1024 * 1024
"""Bytes of CBOR in a request, at most: the authority holds what has arrived of it for every peer."""

_LENGTH = struct.Struct(">I")
HEADER = _LENGTH.size
_DEPTH = 16
_MOST_VALUES = 65_536


def frame(message: Mapping[str, Any]) -> bytes:
    """*message* as one frame. Raises :class:`BadRequest` when it is larger than :data:`LIMIT`."""
    body = cbor2.dumps(message)
    if len(body) > LIMIT:
        raise BadRequest("A frame of {size} bytes is over the limit of {limit}.", size=len(body), limit=LIMIT)
    return _LENGTH.pack(len(body)) + body


def length(header: bytes | bytearray, *, limit: int = LIMIT) -> int:
    """The number of bytes that follow a frame's first four. Raises :class:`BadRequest` when over the *limit*."""
    size: int = _LENGTH.unpack_from(header)[0]
    if size > limit:
        raise BadRequest("A frame of {size} bytes is over the limit of {limit}.", size=size, limit=limit)
    return size


def message(body: bytes) -> dict[str, Any]:
    """The map in a frame's *body*. Raises :class:`BadRequest` for whatever else the bytes are."""
    try:
        value = cbor.decode(body, most_values=_MOST_VALUES, most_depth=_DEPTH)
    except Malformed as error:
        raise BadRequest("This frame is not the CBOR that it should be.") from error
    if not isinstance(value, dict):
        raise BadRequest("A frame must be one map and nothing after it.")
    return value


def request(operation: str, arguments: Mapping[str, Any]) -> bytes:
    """The frame that asks for *operation*."""
    return frame({"op": operation, "args": arguments})


def refusal(error: AuthorityError) -> dict[str, Any]:
    """The reply that carries *error*; its values cross as text or integers."""
    values = {name: value if isinstance(value, (int, str)) else str(value) for name, value in error.values.items()}
    return {"error": {"code": error.code, "template": error.template, "values": values}}


def result(reply: Mapping[str, Any]) -> Any:
    """What a reply says was done. Raises the refusal that it carries, as the class that the authority raised."""
    if "ok" in reply:
        return reply["ok"]
    error = reply.get("error")
    if not isinstance(error, dict):
        raise BadRequest("The authority's reply is neither a result nor a refusal.")
    values = {str(name): value for name, value in dict(error.get("values", {})).items()}
    raise error_class(str(error.get("code")))(str(error.get("template")), **values)
