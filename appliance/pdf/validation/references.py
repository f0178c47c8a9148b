"""Who refers to an object: found by one search through the file's bytes, not by walking its object graph.

Walking a document of 200 pages costs pyHanko 100 ms; this costs 2. The data of streams whose place and end are
certain is not searched. What looks like a reference inside another stream or a string is taken for one, which errs
on the safe side: an object with too many holders is only looked at more closely. So is what only lenient readers
take for one (``9 +0 R``, ``9.0 0 R``).

Values of two revisions are compared with their references by number.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from pyhanko.pdf_utils import generic

from appliance.pdf.object_text import plain_entries, referred_to
from appliance.pdf.validation.opening import OpenedPdf

_SPACE = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*[\r\n])+"
_KEYWORD = re.compile(rb"R(?<=[\x00\t\n\x0c\r 0-9.+-]R)(?<![^\x00\t\n\x0c\r 0-9.+-][0-9.+-]R)(?![A-Za-z0-9])")
"""Where a reference may end: after a space, or a number with one before it. In packed data most are not."""
_USUAL = re.compile(rb"[ \n\[](\d+) 0 \Z")
"""What nearly all are like; :data:`_REFERENCE` would find the same there, trying each character before."""
_REFERENCE = re.compile(rb"(?<![\d.])(\d+)[\d.+-]*" + _SPACE + rb"[\d.+-]+(?:" + _SPACE + rb")?\Z")
_NEAR = 12
_REACH = 64
_LONGEST_LINE = 65536
TRAILER = 0
"""The holder of references that lie in no object: trailers (object number 0 is never in use)."""


class _Place(NamedTuple):
    """Where an object starts, and the revision that wrote it there."""

    offset: int
    number: int
    revision: int
    generation: int


class References:
    """The holders of the objects *numbers* in every revision of *pdf*, by object number.

    ``complete`` is False when the file is written so that some may have been missed.
    """

    def __init__(self, pdf: OpenedPdf, numbers: Iterable[int]) -> None:
        self._pdf = pdf
        self._holders: dict[int, dict[int, int]] = defaultdict(dict)
        self._written: dict[tuple[int, int], Counter[_Place]] = defaultdict(Counter)
        self._read: dict[_Place, Counter[int]] = {}
        self._places = _first_listed(pdf)
        self._offsets = [place.offset for place in self._places]
        self._streams = _cross_reference_streams(pdf)
        self._wanted = self._streams.union(numbers)
        try:
            self._search_file(pdf.document)
            self._search_object_streams(pdf)
            listed = map(pdf.reader.xrefs.get_xref_data, range(pdf.revisions))
            # a second list of objects (ISO 32000-2, 7.5.8.4) is not searched
            self.complete = all(each.hybrid is None for each in listed)
        except ValueError:
            self.complete = False

    def holders(self, number: int, *, revision: int) -> set[int]:
        """The objects that referred to *number* at *revision* or in any earlier one."""
        return {holder for holder, first in self._holders.get(number, {}).items() if first <= revision}

    def is_in_trailers_alone(self, number: int, *, revision: int) -> bool:
        """Whether nothing but trailers referred to *number* until *revision*: a cross-reference stream is one, as
        long as nothing refers to it, so that it is nothing else."""
        return all(
            each == TRAILER or (each in self._streams and not self._holders.get(each))
            for each in self.holders(number, revision=revision)
        )

    def overflows(self, number: int, holder: int) -> bool:
        """Whether more references to *number* follow the start of *holder* than *holder* has: then another object
        is written around it, or there is text that only looks like references."""
        written = self._written.get((number, holder), Counter()) if holder != TRAILER else Counter()
        return any(self._has(place, number) != count for place, count in written.items())

    def plain_values(self, number: int, holder: int) -> tuple[dict[bytes, bytes], set[bytes]] | None:
        """The entries of the dictionary *holder* and the keys under which it refers to *number*: as they were
        written once, in a way that is read in no other (:func:`appliance.pdf.object_text.plain_entries`), with all
        that is written there of references to *number*; else None."""
        place = self._unchanged.get(holder)
        written = self._written.get((number, holder))
        if place is None or written is None or len(written) > 1 or place not in written:
            return None
        extents = self._pdf.extents
        if not extents.sound and not extents.is_headed(place.offset, holder):  # sound ones are
            return None
        values = plain_entries(extents.body(place.offset))
        if values is None:
            return None
        digits = b"%d" % number
        held = {key: list(referred_to(value)).count(number) for key, value in values.items() if digits in value}
        keys = {key for key, count in held.items() if count}
        return (values, keys) if sum(held.values()) == written[place] else None

    @cached_property
    def _unchanged(self) -> dict[int, _Place]:
        """The places of the objects that are written once in the file, and never marked as free."""
        sections = [self._pdf.reader.xrefs.get_xref_data(each) for each in range(self._pdf.revisions)]
        others = {each for section in sections for each in (*section.freed, *section.xrefs_in_objstm)}
        times = Counter(place.number for place in self._places)
        return {
            place.number: place
            for place in self._places
            if times[place.number] == 1 and place.number not in others and not place.generation
        }

    def _has(self, place: _Place, number: int) -> int:
        if place not in self._read:
            reference = generic.Reference(place.number, place.generation, self._pdf.reader)
            value = self._pdf.reader.get_object(reference, place.revision)
            self._read[place] = Counter(found for found, _ in references_in(value))
        return self._read[place][number]

    def _search_file(self, document: bytes) -> None:
        parts = self._pdf.extents.beside(self._pdf.extents.streams)
        for number, position in references_from(document, parts):
            if number in self._wanted:
                at = bisect_right(self._offsets, position) - 1
                place = self._places[at] if at >= 0 else _Place(0, TRAILER, 0, 0)
                self._written[number, place.number][place] += 1
                self._note(number, place.number, place.revision)

    def _search_object_streams(self, pdf: OpenedPdf) -> None:
        """References out of an object stream count for all objects in it: it is rare that they matter."""
        for revision in range(pdf.revisions):
            contained: dict[int, list[int]] = defaultdict(list)
            for number, place in pdf.reader.xrefs.get_xref_data(revision).xrefs_in_objstm.items():
                contained[place.obj_stream_id].append(number)
            for stream, members in contained.items():
                value = pdf.reader.get_object(generic.Reference(stream, 0, pdf.reader), revision)
                for number, _ in references_from(value.data):
                    for member in members if number in self._wanted else ():
                        self._note(number, member, revision)

    def _note(self, number: int, holder: int, revision: int) -> None:
        known = self._holders[number]
        known[holder] = min(revision, known.get(holder, revision))


def references_from(data: bytes, parts: Iterable[tuple[int, int]] | None = None) -> Iterator[tuple[int, int]]:
    """Object number and position of every reference in the *parts* of *data* (all of it for None), comments within
    a reference included. Raises ValueError for comments that are too long."""
    for first, last in ((0, len(data)),) if parts is None else parts:
        for keyword in _KEYWORD.finditer(data, first, last):
            position = keyword.start()
            stop = position - len(b" 0 ")
            if stop > first and data.startswith(b" 0 ", stop):
                start = data.rfind(b" ", max(first, position - _NEAR), stop) + 1
                if start and (digits := data[start:stop]).isdigit():
                    yield int(digits), start
                    continue
            found = _USUAL.search(data, max(first, position - _NEAR), position)
            if found is None:
                found = _REFERENCE.search(data, max(first, position - _REACH), position)
            if found is None:
                found = _REFERENCE.search(data, _before_comments(data, first, position), position)
            if found is not None:
                yield int(found[1]), found.start(1)


def _before_comments(data: bytes, first: int, position: int) -> int:
    """Where to start looking, from *first* on, for what may stand before lines with comments that end at
    *position*."""
    end = position
    while True:
        least = max(first, end - _LONGEST_LINE)
        line = max(data.rfind(b"\n", least, end), data.rfind(b"\r", least, end))
        text = data[max(line, first) : end]
        if b"%" not in text and text.strip() and end != position:
            return max(first, end - _REACH)
        if line < 0:
            if b"%" in data[least:end]:
                raise ValueError("a comment too long to look behind")
            return max(first, end - _REACH)
        end = line


def _first_listed(pdf: OpenedPdf) -> list[_Place]:
    """The places by offset, each as the revision that listed it first has it: what a later one lists once more was
    there before, and what it refers to was used before."""
    first: dict[int, _Place] = {}
    for place in _places(pdf):
        first.setdefault(place.offset, place)
    return [first[offset] for offset in sorted(first)]


def _places(pdf: OpenedPdf) -> Iterator[_Place]:
    """The places of all objects, and of each cross-reference section for its trailer."""
    for revision in range(pdf.revisions):
        for number, (generation, offset) in pdf.reader.xrefs.get_xref_data(revision).standard_xrefs.items():
            yield _Place(offset, number, revision, generation)
        yield _Place(pdf.reader.xrefs.get_xref_container_info(revision).start_location, TRAILER, revision, 0)


def _cross_reference_streams(pdf: OpenedPdf) -> frozenset[int]:
    """The numbers of the cross-reference streams that list themselves, as most do."""
    xrefs = pdf.reader.xrefs
    return frozenset(
        number
        for revision in range(pdf.revisions)
        for number, (_, offset) in xrefs.get_xref_data(revision).standard_xrefs.items()
        if offset == xrefs.get_xref_container_info(revision).start_location
    )


_STRINGS = (generic.TextStringObject, generic.ByteStringObject)
_CORNERS = 4
_ROUNDED = Decimal("1e-7")


def entry(holder: generic.DictionaryObject, key: str, default: object = None) -> Any:
    """The value under *key*, references followed; pyHanko's own ``get`` does not follow them. What a reference
    does not find is null, and null is as good as nothing (ISO 32000-2, 7.3.7 and 7.3.10)."""
    try:
        return holder[key]
    except KeyError:
        return default


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


def are_rounded(old: object, new: object) -> bool:
    """Whether both are boxes on a page (ISO 32000-2, 7.9.5) of which one is the other with fewer digits: programs
    that write a page anew keep as many as they reckon with (annex C.2), so that its sides may move by less than a
    ten-millionth of the longer one, whatever a unit is."""
    if not isinstance(old, generic.ArrayObject) or not isinstance(new, generic.ArrayObject):
        return False
    before, after = (list(map(each.raw_get, range(len(each)))) for each in (old, new))
    if len(before) != len(after) or len(before) != _CORNERS or not all(map(_is_number, (*before, *after))):
        return False
    was, now = ([Decimal(each) for each in numbers] for numbers in (before, after))
    longest = max(abs(was[2] - was[0]), abs(was[3] - was[1]))
    return all(abs(one - other) < longest * _ROUNDED for one, other in zip(was, now, strict=True))


def _is_number(value: object) -> bool:
    return isinstance(value, generic.NumberObject | generic.FloatObject)


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
