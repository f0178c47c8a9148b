"""CBOR (RFC 8949) from peers that may be hostile: plain values, each with one meaning, and not too many.

A byte of CBOR can stand for an object of a hundred bytes, so a length alone bounds neither memory nor time: what
is large is counted before it is decoded.
"""

from __future__ import annotations

import io
from typing import Any, NoReturn

import cbor2

from hsm.errors import Malformed

_ALWAYS_FEW = 64 * 1024
"""Bytes that cannot hold enough values to hurt."""
_BYTES, _TEXT = 2, 3
_REFUSED_TAGS = (*range(2), *range(4, 64), 100, 258, 260, 261, 1004, 43000, 55799)


def decode(data: bytes | bytearray, *, most_values: int, most_depth: int) -> Any:
    """The one value that *data* encodes. Raises :class:`Malformed` for anything else.

    No tag beyond bignums, no indefinite lengths, no repeated keys, nothing after the value; nested at most
    *most_depth* deep, and of at most *most_values* values in all when it is long.
    """
    if len(data) > _ALWAYS_FEW:
        _require_few(data, most_values)
    stream = io.BytesIO(data)
    try:
        value = cbor2.CBORDecoder(
            stream,
            tag_hook=_refuse_tag,
            semantic_decoders=_TAGS,
            max_depth=most_depth,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        ).decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        raise Malformed("This is not the CBOR that it should be.") from error
    if stream.tell() != len(data):
        raise Malformed("Bytes follow the CBOR value; there must be none.")
    return value


def _require_few(data: bytes | bytearray, most: int) -> None:
    """Counts heads (RFC 8949, 3): what a container holds follows it, so one pass sees every value."""
    position, values, end = 0, 0, len(data)
    while position < end:
        values += 1
        if values > most:
            raise Malformed("This CBOR has more than {most} values.", most=most)
        kind, argument = data[position] >> 5, data[position] & 0x1F
        position += 1
        if 24 <= argument <= 27:
            width = 1 << (argument - 24)
            argument = int.from_bytes(data[position : position + width], "big")
            position += width
        if kind in (_BYTES, _TEXT):
            position += argument


def _refuse_tag(_decoder: Any, *_details: Any) -> NoReturn:
    raise Malformed("This CBOR uses a tag that has no place here.")


_TAGS = dict.fromkeys(_REFUSED_TAGS, _refuse_tag)
