"""Comparing PDF values of two revisions, references by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

_STRINGS = (generic.TextStringObject, generic.ByteStringObject)


def entry(holder: generic.DictionaryObject, key: str, default: object = None) -> Any:
    """The value under *key*, references followed; pyHanko's own ``get`` does not follow them."""
    if key not in holder:
        return default
    return holder[key]


def same(old: object, new: object) -> bool:
    """Whether the two values are the same text of a PDF; what they refer to may have changed."""
    if isinstance(old, generic.IndirectObject) or isinstance(new, generic.IndirectObject):
        return number_of(old) is not None and number_of(old) == number_of(new)
    if isinstance(old, generic.StreamObject) or isinstance(new, generic.StreamObject):
        return _same_streams(old, new)
    if isinstance(old, generic.DictionaryObject):
        return isinstance(new, generic.DictionaryObject) and not changed_keys(old, new)
    if isinstance(old, generic.ArrayObject):
        return isinstance(new, generic.ArrayObject) and len(old) == len(new) and _all_same(old, new)
    if isinstance(old, _STRINGS):
        return isinstance(new, _STRINGS) and bool(old.original_bytes == new.original_bytes)
    return type(old) is type(new) and old == new


def changed_keys(old: generic.DictionaryObject, new: generic.DictionaryObject) -> set[str]:
    """The keys that were added, removed or given another value."""
    common = old.keys() & new.keys()
    return (old.keys() ^ new.keys()) | {key for key in common if not same(old.raw_get(key), new.raw_get(key))}


def number_of(value: object) -> tuple[int, int] | None:
    """Number and generation of a reference, or None for anything else."""
    return (value.idnum, value.generation) if isinstance(value, generic.IndirectObject) else None


def references_in(value: object) -> Iterator[tuple[int, int]]:
    """The references written in *value* itself."""
    number = number_of(value)
    if number is not None:
        yield number
    elif isinstance(value, generic.DictionaryObject):
        for key in value:
            yield from references_in(value.raw_get(key))
    elif isinstance(value, generic.ArrayObject):
        for index in range(len(value)):
            yield from references_in(value.raw_get(index))


def _all_same(old: generic.ArrayObject, new: generic.ArrayObject) -> bool:
    return all(same(old.raw_get(index), new.raw_get(index)) for index in range(len(old)))


def _same_streams(old: object, new: object) -> bool:
    if not isinstance(old, generic.StreamObject) or not isinstance(new, generic.StreamObject):
        return False
    return bool(old.encoded_data == new.encoded_data) and not changed_keys(old, new)
