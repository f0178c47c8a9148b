"""What msgspec says of values that do not fit, in sentences of our own: one table, by what it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import inspect

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
