"""Reading what a program sent: JSON into the declared type, strictly, with a pointer to what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final, TypeVar

import msgspec
from flask import request
from msgspec import UNSET, Struct, inspect

from webui.api import misfits
from webui.api.operations import JSON
from webui.api.problems import ProblemError

S = TypeVar("S", bound=Struct)

ROOM_FOR_FIELDS: Final = 64 * 1024
"""Bytes that JSON may have besides a document."""

ROOM_FOR_ROWS: Final = 32 * 1024 * 1024
"""Bytes of the JSON of a batch: 10,000 rows of 3 KiB. nginx lets as many through."""

_UNTYPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that no field can mean."""

_YEARS = range(1970, 2200)
"""Of instants; those at the ends of the calendar have no date in some zones."""

_NUMBER = re.compile(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*")


def read_bytes(kind: str, most: int) -> bytes:
    """The content as it is, of the media type *kind*. Raises :class:`ProblemError`, and 413 for more than *most*
    bytes."""
    _require_type(kind)
    return _content(most)


def read_json(kind: object, content: bytes) -> object:
    """*content* as *kind*; nothing at all counts as an object without fields. Raises :class:`ProblemError`."""
    if content:
        _require_type(JSON)
    try:
        read: object = msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as wrong:
        raise misfits.problem_of(str(wrong), kind, "invalid-body") from wrong
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise ProblemError("The content is not JSON in UTF-8.", "not-json") from wrong
    _require_sound(read, "invalid-body")
    return read


def read_content(most: int) -> bytes:
    """The bytes of a request whose content is JSON, or nothing."""
    return _content(most)


def read_query(kind: type[S]) -> S:
    """The parameters of the address; of a list, the values have commas between. Raises :class:`ProblemError` for
    unknown ones too, and for one given twice."""
    given = request.args.to_dict(flat=False)
    for name, values in given.items():
        if len(values) > 1:
            raise ProblemError("The parameter {name} is given twice.", "invalid-parameter", name=name)
    lists = _fields_of(kind, inspect.ListType)
    plain = {name: value.split(",") if name in lists else value for name, [value] in given.items()}
    for name in _fields_of(kind, inspect.DateTimeType) & plain.keys():
        if _NUMBER.fullmatch(str(plain[name])):  # would be the seconds since 1970
            raise ProblemError(misfits.MOMENT_IN_ADDRESS, "invalid-parameter", pointer=f"/{name}")
    try:
        read = msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise misfits.problem_of(str(wrong), kind, "invalid-parameter") from wrong
    _require_sound(read, "invalid-parameter")
    return read


@cache
def _fields_of(kind: type[Struct], wanted: type[inspect.Type]) -> frozenset[str]:
    """The names of the fields that hold *wanted*, or nothing."""
    read = inspect.type_info(kind)
    if not isinstance(read, inspect.StructType):
        raise TypeError(f"{kind} has no fields")
    return frozenset(each.encode_name for each in read.fields if _holds(each.type, wanted))


def _holds(kind: inspect.Type, wanted: type[inspect.Type]) -> bool:
    if isinstance(kind, inspect.Metadata):
        return _holds(kind.type, wanted)
    if isinstance(kind, inspect.UnionType):
        return any(_holds(each, wanted) for each in kind.types)
    return isinstance(kind, wanted)


def _content(most: int) -> bytes:
    request.max_content_length = most
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemError("The content must not be compressed.", "unsupported-media-type")
    return request.get_data(cache=False)


def _require_type(kind: str) -> None:
    if request.mimetype != kind:
        raise ProblemError("The content must be {kind}.", "unsupported-media-type", kind=kind)


def _require_sound(read: object, code: str) -> None:
    """Raises :class:`ProblemError` for characters that nobody types, and instants at the ends of the calendar."""
    for pointer, value in _leaves(read, ""):
        if isinstance(value, str) and _UNTYPED.search(value):
            raise ProblemError("The text has control characters.", code, pointer=pointer)
        if isinstance(value, datetime) and value.year not in _YEARS:
            raise ProblemError("The instant is too far away.", code, pointer=pointer)


def _leaves(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, f"{pointer}/{name}")
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        for place, each in enumerate(value):
            yield from _leaves(each, f"{pointer}/{place}")
    elif value is not UNSET:
        yield pointer, value
