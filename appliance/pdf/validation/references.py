"""Who refers to an object: found by one search through the file's bytes, not by walking its object graph.

Walking a document of 200 pages costs pyHanko 100 ms; this costs 2. What looks like a reference inside a stream
or a string is taken for one, which errs on the safe side: an object with too many holders is only looked at more
closely.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pyhanko.pdf_utils import generic

from appliance.pdf.validation.opening import OpenedPdf

_SPACE = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*[\r\n])+"
TRAILER = 0
"""The holder of references that lie in no object: trailers (object number 0 is never in use)."""


class References:
    """The holders of the objects *numbers* in every revision of *pdf*, by object number."""

    def __init__(self, pdf: OpenedPdf, numbers: Iterable[int]) -> None:
        self._holders: dict[int, dict[int, int]] = defaultdict(dict)
        self._places = sorted(_places(pdf))
        self._offsets = [place[0] for place in self._places]
        wanted = b"|".join(b"%d" % number for number in sorted(set(numbers), reverse=True))
        if wanted:
            pattern = re.compile(rb"(?<!\d)0*(" + wanted + rb")" + _SPACE + rb"\d+" + _SPACE + rb"R(?![A-Za-z])")
            self._search_file(pdf.document, pattern)
            self._search_object_streams(pdf, pattern)

    def holders(self, number: int, *, revision: int) -> set[int]:
        """The objects that referred to *number* at *revision* or in any earlier one."""
        return {holder for holder, first in self._holders.get(number, {}).items() if first <= revision}

    def _search_file(self, document: bytes, pattern: re.Pattern[bytes]) -> None:
        for match in pattern.finditer(document):
            at = bisect_right(self._offsets, match.start()) - 1
            _, holder, revision = self._places[at] if at >= 0 else (0, TRAILER, 0)
            self._note(int(match[1]), holder, revision)

    def _search_object_streams(self, pdf: OpenedPdf, pattern: re.Pattern[bytes]) -> None:
        """References out of an object stream count for all objects in it: it is rare that they matter."""
        for revision in range(pdf.revisions):
            contained: dict[int, list[int]] = defaultdict(list)
            for number, place in pdf.reader.xrefs.get_xref_data(revision).xrefs_in_objstm.items():
                contained[place.obj_stream_id].append(number)
            for stream, members in contained.items():
                value = pdf.reader.get_object(generic.Reference(stream, 0, pdf.reader), revision)
                for match in pattern.finditer(value.data):
                    for member in members:
                        self._note(int(match[1]), member, revision)

    def _note(self, number: int, holder: int, revision: int) -> None:
        known = self._holders[number]
        known[holder] = min(revision, known.get(holder, revision))


def _places(pdf: OpenedPdf) -> Iterator[tuple[int, int, int]]:
    """Offset, object number and revision of every object, and of each cross-reference section for its trailer."""
    for revision in range(pdf.revisions):
        for number, (_, offset) in pdf.reader.xrefs.get_xref_data(revision).standard_xrefs.items():
            yield offset, number, revision
        yield pdf.reader.xrefs.get_xref_container_info(revision).start_location, TRAILER, revision
