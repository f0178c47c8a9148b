"""Whether programs search a PDF for its objects although it has cross-reference sections, and what they find.

All search where an object is not at its place. Poppler also does where a reference leads to nothing, which means
null (ISO 32000-2, 7.3.10), MuPDF where /Size excludes a number that is listed, pdf.js and MuPDF where an object is
not in the object stream that is named. Whoever searches takes the last object of each number, wherever that is
written: listed or not, and in the data of a stream, too.

Programs that read linearised files (annex F) begin elsewhere than at the end: behind the first object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.errors import DocumentRefused
from appliance.pdf import geometry, pages
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.incremental_updates import BROKEN
from appliance.pdf.object_text import BLANK, REGULAR, Unreadable, plain_names, references, tokens
from appliance.pdf.reader import number_in

_LOOKED_FOR_WITHIN = 1024
"""Bytes at the end of a file in which every program looks for the newest section (ISO 32000-1, annex H.3.4.4)."""

_ENTRY = re.compile(rb"startxref[\x00\t\n\x0c\r ]+(\d{1,10})[\x00\t\n\x0c\r ]+%%EOF")
_ROOT = re.compile(rb"/(?:R|#52)(?:o|#6[Ff])(?:o|#6[Ff])(?:t|#74)(?!%b)%b*(\d+%b+0)?" % (REGULAR, BLANK, BLANK))
_BLANKS = re.compile(BLANK + rb"*")


class Searching:
    """What there is to know of the sections of *document*, which *reader* reads."""

    def __init__(self, document: bytes, reader: PdfFileReader) -> None:
        self._document, self._reader = document, reader
        self._used: dict[int, int | tuple[int, int]] = {}
        self._last, self._places = dict[int, int](), set[tuple[int, int]]()
        self._packed, self._generations, self._sections = set[int](), set[int](), set[int]()
        for number in range(reader.xrefs.total_revisions):
            section = reader.xrefs.get_xref_data(number)
            for each in section.freed:
                self._used.pop(each, None)
            self._add(section)
            self._sections.add(reader.xrefs.get_startxref_for_revision(number))
            if section.hybrid is not None:
                self._add(section.hybrid.xref_data)
                self._sections.add(section.hybrid.meta_info.start_location)
        number_of = partial(number_in, reader)
        self._read = ObjectExtents(document, self._places, number_of, sound=True)
        self._searched = ObjectExtents(document, self._places, number_of)

    def _add(self, part: Any) -> None:
        for number, (generation, offset) in part.standard_xrefs.items():
            self._places.add((offset, number))
            self._used[number] = offset  # 0 where nothing is
            self._last[number] = max(offset, self._last.get(number, 0))
            self._generations.add(generation)
        for number, place in part.xrefs_in_objstm.items():
            self._used[number] = place.obj_stream_id, place.ix_in_stream
            self._packed.add(number)

    def extents(self) -> ObjectExtents:
        """How far the objects reach that any program may find."""
        try:
            return self._read if self._is_sound() else self._searched
        except (Unreadable, DocumentRefused, *BROKEN):
            return self._searched

    def _is_sound(self) -> bool:
        read, hybrid = self._read, self._reader.xrefs.hybrid_xrefs_present
        begun = all(self._document.startswith(b"xref", each) or read.body(each) for each in self._sections)
        if not begun or hybrid or self._lost(plainly=True) or not self._is_complete():
            return False
        require_plain_beginning(self._document, self._reader)
        return bool(read.streams)

    def require_alike(self) -> None:
        """Raises :class:`Unreadable` where a program may search for objects and find others than are listed."""
        lost = self._lost(plainly=False)
        if self._is_complete() and not lost:
            return
        known = self._sections.union(offset for offset, _ in self._places)
        moved = any(self._last.get(number, place) != place for number, place in self._used.items())
        roots = {tuple(each.split()) for each in _ROOT.findall(self._document)}
        found = lost & (self._last.keys() | self._packed)
        if moved or found or len(roots) > 1 or not known.issuperset(self._searched.starts):
            raise Unreadable

    def _lost(self, *, plainly: bool) -> set[int]:
        """The numbers of what is referred to and not there. Raises :class:`Unreadable` for what is no plain
        reference, if all have to be written *plainly*."""
        found: set[int] = set()
        for begin, end in self._read.beside(self._read.streams):
            found.update(references(self._document, begin, end, plainly=plainly))
        for _, _, text in packed_objects(self._reader):
            found.update(references(text, 0, len(text), plainly=plainly))
        return found - {number for number, place in self._used.items() if place}

    def _is_complete(self) -> bool:
        """Whether every entry has generation 0, a number below /Size, and leads to its object."""
        if self._generations - {0} or max(self._used, default=0) >= int(self._reader.trailer["/Size"]):
            return False
        held = {stream: numbers for stream, numbers, _ in packed_objects(self._reader)}
        packed = [(number, *place) for number, place in self._used.items() if isinstance(place, tuple)]
        return all(held.get(stream, [])[at : at + 1] == [number] for number, stream, at in packed)


def require_plain_beginning(document: bytes, reader: PdfFileReader) -> None:
    """Raises :class:`Unreadable` unless every program begins to read *document* at the section that is named at
    its end. A linearised file as long as it says has this one behind its first object, and states the pages that
    it has: programs take their number and the first of them from there."""
    newest = entry_point(document)
    if newest != reader.last_startxref or not pages.is_read_as_written(document):
        raise Unreadable
    place = next(tokens(document, 0), (0, 0))[0]
    extents = ObjectExtents(document, (), partial(number_in, reader))
    if b"/Linearized" not in plain_names(extents.body(place)):
        return
    stated = extents.dictionary(place)
    length, count, first = (_number(document, stated.values.get(key, [])) for key in (b"/L", b"/N", b"/O"))
    if length != len(document):
        return
    found = [each.idnum for each in geometry.pages(reader.root, most=len(document))]
    behind = _BLANKS.match(document, stated.end).end()  # type: ignore[union-attr]  # it matches nothing, too
    if behind != newest or len(found) != count or found[0] != first:
        raise Unreadable


def _number(document: bytes, values: list[tuple[int, int]]) -> int:
    """What is written as the only one of *values*, a plain number. Raises :class:`Unreadable`."""
    written = [document[start:end] for start, end in values]
    if len(written) != 1 or not written[0].isdigit():
        raise Unreadable
    return int(written[0])


def entry_point(document: bytes, end: int | None = None) -> int:
    """Where the file says at its end that its newest section is; the file is the first *end* bytes, all for None.
    Raises :class:`Unreadable`."""
    end = len(document) if end is None else end
    place = document.rfind(b"startxref", max(0, end - _LOOKED_FOR_WITHIN), end)
    found = _ENTRY.match(document, place, end) if place >= 0 else None
    if found is None:
        raise Unreadable
    return int(found[1])


def packed_objects(reader: PdfFileReader) -> Iterator[tuple[int, list[int], bytes]]:
    """Every object stream (7.5.7) that a section lists: its number, those of the objects in it, and these as they
    are written. Raises :class:`Unreadable` for one that has a number twice."""
    sections = [reader.xrefs.get_xref_data(number) for number in range(reader.xrefs.total_revisions)]
    sections += [each.hybrid.xref_data for each in sections if each.hybrid is not None]
    for number in {each for section in sections for each in section.obj_streams_used}:
        stream = generic.Reference(number, 0, reader).get_object()
        if not isinstance(stream, generic.StreamObject):
            raise Unreadable
        content, first = stream.read_data(DecodePurpose.OBJECT_STREAM), int(stream["/First"])
        words = content[:first].split()
        if len(set(words[::2])) != len(words[::2]):
            raise Unreadable
        numbers = [int(each) for each in words[: 2 * int(stream["/N"]) : 2]]
        yield number, numbers, content[first:]
