"""The objects that make up a validation store, as far as it has the shape that a store has (ETSI EN 319 142-1,
5.4.2.2): whatever else hangs below it may be part of a page, and is none of its objects."""

from __future__ import annotations

from collections.abc import Iterator

from pyhanko.pdf_utils import generic

from appliance.pdf.validation.comparing import number_of

_STORE = frozenset({"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"})
_STORE_LISTS = ("/Certs", "/CRLs", "/OCSPs")
_ENTRY = frozenset({"/Type", "/Cert", "/CRL", "/OCSP", "/TU", "/TS"})
_ENTRY_LISTS = ("/Cert", "/CRL", "/OCSP")


def numbers(root: generic.DictionaryObject) -> frozenset[int]:
    """The numbers of the store's objects; none without a store. Raises ValueError for another shape."""
    return frozenset(_of_store(root)) if "/DSS" in root else frozenset()


def _of_store(root: generic.DictionaryObject) -> Iterator[int]:
    yield from _number(root, "/DSS")
    store = _dictionary(root["/DSS"], _STORE)
    for key in _STORE_LISTS:
        yield from _of_list(store, key)
    if "/VRI" in store:
        yield from _number(store, "/VRI")
        entries = _dictionary(store["/VRI"], None)
        for key in entries:
            yield from _number(entries, key)
            yield from _of_entry(_dictionary(entries[key], _ENTRY))


def _of_entry(entry: generic.DictionaryObject) -> Iterator[int]:
    for key in _ENTRY_LISTS:
        yield from _of_list(entry, key)
    for key in ("/TU", "/TS"):
        yield from _number(entry, key)


def _of_list(holder: generic.DictionaryObject, key: str) -> Iterator[int]:
    if key not in holder:
        return
    yield from _number(holder, key)
    array = holder[key]
    if not isinstance(array, generic.ArrayObject):
        raise ValueError("validation data is a list")
    for index in range(len(array)):
        number = number_of(array.raw_get(index))
        stream = array[index]
        if number is None or not isinstance(stream, generic.StreamObject):
            raise ValueError("validation data is in streams")
        yield number[0]
        yield from _number(stream, "/Length")


def _number(holder: generic.DictionaryObject, key: str) -> Iterator[int]:
    number = number_of(holder.raw_get(key)) if key in holder else None
    if number is not None:
        yield number[0]


def _dictionary(value: object, keys: frozenset[str] | None) -> generic.DictionaryObject:
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise ValueError("a store is made of dictionaries")
    if keys is not None and set(value) - keys:
        raise ValueError("a store has no such entries")
    return value
