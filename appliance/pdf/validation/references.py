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
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

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


class PackedObjects:
    """What lies in one object stream (ISO 32000-2, 7.5.7): its ``data``, uncompressed, and the numbers of its
    ``members`` as the cross-reference section of ``revision`` has them."""

    def __init__(self, data: bytes, count: int, first: int, revision: int, members: Mapping[int, int]) -> None:
        self.data, self.revision, self.members = data, revision, frozenset(members)
        words = [int(word) for word in data[:first].split() if word.isdigit()]
        self._numbers, self._offsets = words[::2], [first + word for word in words[1::2]]
        listed = [number for number, _ in sorted(members.items(), key=lambda each: each[1])]
        self._is_listed = (
            len(words) == len(data[:first].split()) == 2 * count
            and self._numbers == listed
            and sorted(members.values()) == list(range(count))
            and len(set(listed)) == count
            and self._offsets == sorted(set(self._offsets))
        )

    @cached_property
    def is_separate(self) -> bool:
        """Whether its objects are those that the section lists, and each ends before the next one begins, so that
        no two of them share a reference."""
        if not self._is_listed:
            return False
        ends = (*self._offsets[1:], len(self.data))
        parts = [self.data[start:end] for start, end in zip(self._offsets, ends, strict=True)]
        return all(map(_is_whole, (*parts[:-1], parts[-1] + b"\n")))

    def at(self, position: int) -> tuple[int, int]:
        """The number and the offset of the member in which *position* is; the first one for what is before it."""
        place = max(bisect_right(self._offsets, position) - 1, 0)
        return self._numbers[place], self._offsets[place]


_TOKEN = re.compile(
    rb"<<|>>|[\[\]]|\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\x00\t\n\x0c\r ]*>|[^\x00\t\n\x0c\r \[\]()<>%]+|[<>()%]",
    re.DOTALL,
)
_CLOSES = {b">>": b"<<", b"]": b"["}
_ENDS = (b"\x00", b"\t", b"\n", b"\x0c", b"\r", b" ")


def _is_whole(text: bytes) -> bool:
    """Whether *text* is one dictionary or array from its first to its last character but for space, with neither
    comments nor brackets in its strings; or one word, number or string."""
    open_brackets: list[bytes] = []
    tokens = _TOKEN.finditer(text)
    for found in tokens:
        token = found[0]
        if token in _CLOSES:
            if not open_brackets or open_brackets.pop() != _CLOSES[token]:
                return False
        elif token in (b"<<", b"["):
            open_brackets.append(token)
        elif token in (b"<", b">", b"(", b")", b"%"):
            return False
        if not open_brackets:  # a word may go on in what follows, unless a space ends it
            is_ended = token[-1:] in b">])" or text[found.end() : found.end() + 1] in _ENDS
            return is_ended and not text[found.end() :].strip(b"\x00\t\n\x0c\r ")
    return False


def packed_objects(reader: PdfFileReader, revision: int) -> Iterator[PackedObjects]:
    """The object streams in which *revision* lists objects. Raises what pyHanko raises."""
    streams: dict[int, dict[int, int]] = defaultdict(dict)
    for number, place in reader.xrefs.get_xref_data(revision).xrefs_in_objstm.items():
        streams[place.obj_stream_id][number] = place.ix_in_stream
    for stream, members in streams.items():
        value = reader.get_object(generic.Reference(stream, 0, reader), revision)
        yield PackedObjects(value.data, int(value["/N"]), int(value["/First"]), revision, members)


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
        self._packed: dict[int, list[tuple[PackedObjects, int]]] = defaultdict(list)
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
        self._unpack(number)
        return {holder for holder, first in self._holders.get(number, {}).items() if first <= revision}

    def is_in_trailers_alone(self, number: int, *, revision: int) -> bool:
        """Whether nothing but trailers referred to *number* until *revision*: a cross-reference stream is one, as
        long as nothing refers to it, so that it is nothing else."""
        return all(
            each == TRAILER or (each in self._streams and not self._is_held(each))
            for each in self.holders(number, revision=revision)
        )

    def overflows(self, number: int, holder: int) -> bool:
        """Whether more references to *number* follow the start of *holder* than *holder* has: then another object
        is written around it, or there is text that only looks like references."""
        written = self._written.get((number, holder), Counter()) if holder != TRAILER else Counter()
        return any(self._has(place, number) != count for place, count in written.items())

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
        for revision in range(pdf.revisions):
            for packed in packed_objects(pdf.reader, revision):
                for number, position in references_from(packed.data):
                    if number in self._wanted:
                        self._packed[number].append((packed, position))

    def _is_held(self, number: int) -> bool:
        return bool(self._holders.get(number) or self._packed.get(number))

    def _unpack(self, number: int) -> None:
        """Note who refers to *number* out of object streams: the object that the reference is in where that is
        certain, else all of the stream's objects."""
        for packed, position in self._packed.pop(number, ()):
            if not packed.is_separate:
                for member in packed.members:
                    self._note(number, member, packed.revision)
                continue
            member, offset = packed.at(position)
            place = _Place(offset, member, packed.revision, 0)
            self._written[number, member][place] += 1
            self._note(number, member, packed.revision)

    def _note(self, number: int, holder: int, revision: int) -> None:
        known = self._holders[number]
        known[holder] = min(revision, known.get(holder, revision))


def references_from(data: bytes, parts: Iterable[tuple[int, int]] | None = None) -> Iterator[tuple[int, int]]:
    """Object number and position of every reference in the *parts* of *data* (all of it for None), comments within
    a reference included. Raises ValueError for comments that are too long."""
    for first, last in ((0, len(data)),) if parts is None else parts:
        for keyword in _KEYWORD.finditer(data, first, last):
            position = keyword.start()
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
