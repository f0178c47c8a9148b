"""JSON to the types of this package, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from vermilion_client.errors import VermilionError

V = TypeVar("V")


def read(kind: type[V], value: object) -> V:
    """*value*, decoded from JSON, as *kind*, a dataclass. Members that it does not know are left out: a later
    release may have more; those that have a default may be missing, since an earlier one may have fewer. Raises
    :class:`VermilionError` for what is no such value."""
    try:
        found = _read(kind, value)
    except (KeyError, TypeError, ValueError) as error:
        raise VermilionError(f"this is no {kind.__name__} of the API: {error!r}") from error
    if not isinstance(found, kind):
        raise VermilionError(f"this is no {kind.__name__} of the API")
    return found


def written(value: object) -> object:
    """*value* for JSON; what is None or an empty text is left out of objects, so that the API chooses."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {name: written(each) for name, each in members if each not in (None, "")}
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} says no time zone")
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: object) -> object:
    if get_origin(kind) is UnionType:
        if value is None:
            return None
        [kind] = [each for each in get_args(kind) if each is not NoneType]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is no object")
        later = {each.name for each in dataclasses.fields(kind) if each.default is not dataclasses.MISSING}
        known = {name: hint for name, hint in _hints(kind).items() if name in value or name not in later}
        return kind(**{name: _read(hint, value[name]) for name, hint in known.items()})
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no array")
        return tuple(_read(get_args(kind)[0], each) for each in value)
    if kind in (date, datetime):
        return kind.fromisoformat(str(value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
