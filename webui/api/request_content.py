"""Reading what a program sent: JSON into the declared type, strictly, with a pointer to what does not fit,
and a sentence of our own for what msgspec says of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final, TypeVar

import msgspec
from flask import request
from msgspec import UNSET, Struct, inspect

from webui.api.operations import JSON
from webui.api.problems import ProblemError

MOMENT: Final = "A moment is written like 2026-12-31T10:00:00Z, or with its zone like 2026-12-31T18:00:00+08:00."
MOMENT_IN_ADDRESS: Final = (
    "A moment is written like 2026-12-31T10:00:00Z, or with its zone like 2026-12-31T18:00:00%2B08:00: in an"
    " address, %2B stands for +."
)
DAY: Final = "A day is written like 2026-12-31."
BASE64: Final = "Text in Base64 (RFC 4648, 4) is expected here."
OTHER: Final = "The value does not fit."

KINDS: Final[Mapping[frozenset[str], str]] = {
    frozenset({"object"}): "An object is expected here.",
    frozenset({"array"}): "A list is expected here.",
    frozenset({"str"}): "A text is expected here.",
    frozenset({"int"}): "A whole number is expected here.",
    frozenset({"float"}): "A number is expected here.",
    frozenset({"int", "float"}): "A number is expected here.",
    frozenset({"bool"}): "Here true or false is expected.",
    frozenset({"str", "int", "float", "bool"}): "A text, a number, true or false, or null is expected here.",
    frozenset({"bytes"}): BASE64,
    frozenset({"datetime"}): MOMENT,
    frozenset({"date"}): DAY,
}
"""By the types that msgspec expects, apart from null."""

FORMS: Final[Mapping[str, str]] = {
    r"\S": "This text must not be blank.",
    "^[A-Z]{3}$": "A currency has three capital letters, like CNY.",
    r"^[0-9]{1,17}(\.[0-9]{1,3})?$": "An amount has digits, and at most three behind a point, like 1000000.00.",
}
"""By the pattern that a text must have; other patterns are shown."""

FORM: Final = "The text does not have the form {pattern}."
VALUES: Final = "One of these values is expected here: {values}."

TABLE: Final[Mapping[str, str]] = {
    r"Object missing required field `(?P<name>[^`]*)`": "The field {name} is missing.",
    r"Object contains unknown field `(?P<name>[^`]*)`": "There is no field {name} here.",
    r"Expected `str` of length <= (?P<most>\d+)": "This text is too long; {most} characters are possible.",
    r"Expected `str` of length >= 1": "This text must not be empty.",
    r"Expected `str` of length >= (?P<least>\d+)": "This text is too short; it needs {least} characters.",
    r"Expected `array` of length <= (?P<most>\d+)": "This list is too long; {most} entries are possible.",
    r"Expected `array` of length >= 1": "This list must not be empty.",
    r"Expected `array` of length >= (?P<least>\d+)": "This list is too short; it needs {least} entries.",
    r"Expected `(?:int|float)` <= (?P<most>\S+?)(?:\.0)?": "This number must be {most} at most.",
    r"Expected `(?:int|float)` >= (?P<least>\S+?)(?:\.0)?": "This number must be {least} at least.",
    r"Expected `float` > (?P<least>\S+?)(?:\.0)?": "This number must be greater than {least}.",
    r"Expected `float` < (?P<most>\S+?)(?:\.0)?": "This number must be smaller than {most}.",
    r"(?:Integer value|Number) out of range": "This number is too large or too small.",
    r"Expected `str` matching regex (?P<pattern>.+)": FORM,
    r"Invalid (?:enum )?value .+": VALUES,
    r"Invalid base64 encoded string": BASE64,
    r"Invalid RFC3339 encoded date": DAY,
    r"(?:Invalid RFC3339 encoded date|Expected `date)time.*|.* timezone component|.*[Tt]imestamp.*": MOMENT,
    r"Expected `(?P<kinds>[a-z |]+)`, got .+": OTHER,  # or one of KINDS
}
"""What msgspec says (all of it), and our sentence, which has the places that the pattern names."""

SENTENCES: Final = frozenset({*TABLE.values(), *KINDS.values(), *FORMS.values(), MOMENT_IN_ADDRESS})
"""All of them, for the catalogue."""

_AT = re.compile(r" - at `(?:key` in `)?(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<place>\d+|\.\.\.)\]")


def problem_of(said: str, kind: object, code: str) -> ProblemError:
    """What msgspec *said* of a value that was read as *kind*, as a problem with its pointer."""
    found = _AT.search(said)
    path, rule = (found["path"], said[: found.start()]) if found else ("$", said)
    pointer = "".join(f"/{step}" for step in re.findall(r"[^.\[\]$]+", path))
    template, values = _sentence(rule)
    if template == MOMENT and code == "invalid-parameter":
        template = MOMENT_IN_ADDRESS
    if template == VALUES:
        words = ", ".join(_values_at(kind, path))
        template, values = (VALUES, {"values": words}) if words else (OTHER, {})
    if "name" in values:
        pointer = f"{pointer}/{values['name']}"
    return ProblemError(template, code, pointer=pointer, **values)


def _sentence(rule: str) -> tuple[str, dict[str, str]]:
    for pattern, template in TABLE.items():
        found = re.fullmatch(pattern, rule, re.DOTALL)
        if found is None:
            continue
        values = found.groupdict()
        if "kinds" in values:
            return KINDS.get(frozenset(values["kinds"].split(" | ")) - {"null"}, OTHER), {}
        if "pattern" in values:
            form = ast.literal_eval(values["pattern"])
            return (FORMS[form], {}) if form in FORMS else (FORM, {"pattern": form})
        return template, values
    return OTHER, {}


def _values_at(kind: object, path: str) -> list[str]:
    """The words that are possible at *path* of a value of this *kind*."""
    kinds = list(_flat(inspect.type_info(kind)))
    for step in _STEP.finditer(path):
        kinds = [each for outer in kinds for inner in _inside(outer, step["name"]) for each in _flat(inner)]
    return [str(value) for each in kinds if isinstance(each, inspect.LiteralType) for value in each.values]


def _flat(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _flat(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _flat(each)
    else:
        yield kind


def _inside(kind: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    """What *kind* has as its member *name*, or as an entry where there is no name."""
    match kind:
        case inspect.StructType() if name is not None:
            yield from (each.type for each in kind.fields if each.encode_name == name)
            if kind.tag_field == name:
                yield inspect.LiteralType((kind.tag,))
        case inspect.ListType() if name is None:
            yield kind.item_type
        case inspect.DictType() if name is None:
            yield kind.value_type


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
        raise problem_of(str(wrong), kind, "invalid-body") from wrong
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
            raise ProblemError(MOMENT_IN_ADDRESS, "invalid-parameter", pointer=f"/{name}")
    try:
        read = msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise problem_of(str(wrong), kind, "invalid-parameter") from wrong
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
