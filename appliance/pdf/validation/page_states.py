"""Which steps may have changed what a page shows, by the references between objects.

Pages are compared by looking, whatever the objects say; but a page that no step has touched is the same by the
file's structure, and to draw it anew for each signature takes a second per hundred pages. What a page shows is in
the objects that it leads to, those that it inherits from its page tree, the layers' settings (/OCProperties) and
the form (ISO 32000-2, 7.7.3, 8.11.4 and 12.7.3). So a step touches the pages from which an object that it wrote or
freed can be reached, in any revision; all pages, where it changed more than that.

This is known only where programs have no choice in what they read and no object lies within another one
(:attr:`appliance.pdf.validation.looks.Looks.is_certain`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain

from pyhanko.pdf_utils import generic

from appliance.pdf.validation.form_changes import refills
from appliance.pdf.validation.model import RevisionStep
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf
from appliance.pdf.validation.plainness import is_plain
from appliance.pdf.validation.reading import of_fields, page_tree
from appliance.pdf.validation.references import (
    TRAILER,
    changed_keys,
    entry,
    number_of,
    references_from,
    references_in,
)
from appliance.pdf.values import PageRegion

_SHOWS_NOTHING = frozenset(
    {
        *(
            "/AcroForm",
            "/DSS",
            "/Extensions",
            "/Metadata",
            "/Version",
            "/MarkInfo",
            "/StructTreeRoot",
            "/Outlines",
        ),
        *("/Perms", "/Lang", "/Names", "/PieceInfo"),
    }
)
"""Entries of the catalogue that are not drawn, or are looked at in more detail."""
_FORM_MAY_CHANGE = frozenset({"/Fields", "/SigFlags", "/DR", "/DA"})
_FORM_DEFAULTS = frozenset({"/DR", "/DA"})
_MOST_OF_LAYERS = 10_000
_NEAR = 4
"""Points by which something may be drawn beside its rectangle, rounded to whole pixels."""

_END = b"%%EOF"

Pages = frozenset[int] | None
"""Pages from 0; None: any."""


class PageGraph:
    """Which pages of *pdf* lead to an object."""

    def __init__(self, pdf: OpenedPdf) -> None:
        self.pdf = pdf
        self._found: dict[int, Pages] = {}

    def touched_by(self, number: int) -> Pages:
        """The pages that the step to revision *number* may have changed."""
        if number not in self._found:
            try:
                self._found[number] = self._touched_by(number) if is_plain(self.pdf, number) else None
            except (*DAMAGE, RecursionError):
                self._found[number] = None
        return self._found[number]

    def _touched_by(self, number: int) -> Pages:
        reader = self.pdf.reader
        old, new = (reader.get_historical_resolver(each) for each in (number - 1, number))
        written = {each.idnum for each in (*new.explicit_refs_in_revision(), *new.refs_freed_in_revision())}
        root = old.root_ref.idnum
        if root != new.root_ref.idnum or changed_keys(old.root, new.root) - _SHOWS_NOTHING or refills(old, new):
            return None
        if not written.isdisjoint(self._layers(old.root) | self._layers(new.root)):
            return None
        fields = _touched_fields(old.root, new.root)
        return None if fields is None else self._pages_above((written | fields) - {root})

    def _pages_above(self, numbers: Iterable[int]) -> Pages:
        """The pages from which one of the objects *numbers* can be reached."""
        pages, nodes = self._tree
        waiting, seen, found = list(numbers), set[int](), set[int]()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            if number in nodes:
                return None
            if number in pages:
                found.add(pages[number])
            else:
                waiting.extend(self._holders.get(number, ()))
        return frozenset(found)

    @cached_property
    def _tree(self) -> tuple[dict[int, int], frozenset[int]]:
        return page_tree(self.pdf)

    @cached_property
    def _holders(self) -> dict[int, set[int]]:
        """By the number of an object those that referred to it in any revision."""
        found: dict[int, set[int]] = defaultdict(set)
        for number, holder in (*self._in_file(), *self._in_object_streams()):
            found[number].add(holder)
        return found

    def _in_file(self) -> Iterator[tuple[int, int]]:
        xrefs = self.pdf.reader.xrefs
        places = {
            xrefs.get_xref_container_info(each).start_location: TRAILER for each in range(self.pdf.revisions)
        }
        for section in map(xrefs.get_xref_data, range(self.pdf.revisions)):
            if section.hybrid is not None:
                raise ValueError("a second list of objects")
            places |= {offset: number for number, (_, offset) in section.standard_xrefs.items()}
        extents = self.pdf.extents
        return _with_holders(self.pdf.document, places, extents.beside(extents.streams))

    def _in_object_streams(self) -> Iterator[tuple[int, int]]:
        reader = self.pdf.reader
        for revision in range(self.pdf.revisions):
            packed = reader.xrefs.get_xref_data(revision).xrefs_in_objstm
            for stream in {place.obj_stream_id for place in packed.values()}:
                value = reader.get_object(generic.Reference(stream, 0, reader), revision)
                first = int(value["/First"])
                words = [int(word) for word in value.data[:first].split()[: 2 * int(value["/N"])]]
                places = {first + place: number for number, place in zip(words[::2], words[1::2], strict=True)}
                yield from _with_holders(value.data, places)

    def _layers(self, root: generic.DictionaryObject) -> set[int]:
        """The numbers of the objects that say which layers show."""
        found: set[int] = set()
        waiting = [root.raw_get("/OCProperties")] if "/OCProperties" in root else []
        while waiting:
            value = waiting.pop()
            number = number_of(value)
            if number is not None:
                if number[0] in found:
                    continue
                found.add(number[0])
                value = value.get_object()
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            waiting.extend(each for each in inner if isinstance(each, dict | list | generic.IndirectObject))
            if len(found) > _MOST_OF_LAYERS:
                raise ValueError("too many layers")
        return found


class RevisionStates:
    """The states in which the pages were over the *steps* (:class:`appliance.pdf.page_comparison.PageStates`).

    A recognised step touches nothing but the rectangles of its fields. *contents_only*: what the pages themselves
    draw, annotations and fields left out.
    """

    def __init__(self, graph: PageGraph, steps: Sequence[RevisionStep], *, contents_only: bool = False) -> None:
        self._graph = graph
        self._pdf = graph.pdf
        self._steps = steps
        self._contents_only = contents_only

    def earliest(self, page: int, end: int, region: PageRegion | None = None) -> int:
        """Where the first revision ends in which *page*, or only what it shows in *region*, is what it is in the
        first *end* bytes."""
        if not self._steps:
            return end
        steps = (number for number in self._touched if self._ends[number] <= end)
        touching = (number for number in steps if self._touches(number, page, region))
        return self._file_ends[max(touching, default=self._first)]

    def regions_since(self, page: int, end: int) -> frozenset[PageRegion] | None:
        """Outside of which parts *page* is known to be the same since the first *end* bytes; None: it is not."""
        later = [number for number in self._touched if self._ends[number] > end]
        if any(self._touches(number, page, None) for number in later if number not in self._regions):
            return None
        regions = chain.from_iterable(self._regions.get(number, ()) for number in later)
        return frozenset(each for each in regions if each.page == page)

    def keeps_pages(self, end: int) -> bool:
        """Whether it is known that no page came or went since the first *end* bytes."""
        return all(pages is not None for number, pages in self._touched.items() if self._ends[number] > end)

    def _touches(self, number: int, page: int, region: PageRegion | None) -> bool:
        pages = self._touched[number]
        if pages is not None and page not in pages:
            return False
        if region is None or number not in self._regions:
            return True
        return any(_overlap(each, region) for each in self._regions[number])

    @cached_property
    def _first(self) -> int:
        """The revision before the first step."""
        return min(step.number for step in self._steps) - 1

    @cached_property
    def _ends(self) -> list[int]:
        """Where each revision ends at the earliest: the first two of a linearised file end together."""
        sections = map(self._pdf.reader.xrefs.get_xref_container_info, range(self._pdf.revisions))
        return list(accumulate((each.end_location for each in sections), max))

    @cached_property
    def _file_ends(self) -> list[int]:
        """Where each revision, as a file of its own, ends."""
        found = (self._pdf.document.find(_END, end) for end in self._ends)
        size = len(self._pdf.document)
        return [size if place < 0 else place + len(_END) for place in found]

    @cached_property
    def _regions(self) -> dict[int, tuple[PageRegion, ...]]:
        """The rectangles of the fields of each recognised step."""
        return {step.number: of_fields(self._pdf, step.fields) for step in self._steps if step.recognised}

    @cached_property
    def _touched(self) -> dict[int, Pages]:
        return {step.number: self._pages_of(step) for step in self._steps}

    def _pages_of(self, step: RevisionStep) -> Pages:
        if step.recognised:
            regions = () if self._contents_only else self._regions[step.number]
            return frozenset(region.page for region in regions)
        return self._graph.touched_by(step.number)


def _overlap(one: PageRegion, other: PageRegion) -> bool:
    """Whether the two rectangles have a point in common, or nearly so."""
    (left, bottom, right, top), box = one.box, other.box
    beside = left > box[2] + _NEAR or box[0] > right + _NEAR
    return one.page == other.page and not beside and not (bottom > box[3] + _NEAR or box[1] > top + _NEAR)


def _with_holders(
    data: bytes, places: dict[int, int], parts: Iterable[tuple[int, int]] | None = None
) -> Iterator[tuple[int, int]]:
    """Every reference in the *parts* of *data* with the object that it is in; *places* are where objects begin."""
    starts = sorted(places)
    for number, position in references_from(data, parts):
        at = bisect_right(starts, position) - 1
        if at >= 0:
            yield number, places[starts[at]]


def _touched_fields(old: generic.DictionaryObject, new: generic.DictionaryObject) -> set[int] | None:
    """The fields that were added to the form, all of them where its defaults changed; None where it changed in
    more than that."""
    before = entry(old, "/AcroForm", generic.DictionaryObject())
    after = entry(new, "/AcroForm", generic.DictionaryObject())
    changed = changed_keys(before, after)
    if changed - _FORM_MAY_CHANGE:
        return None
    was, now = (set(references_in(entry(each, "/Fields"))) for each in (before, after))
    if was - now:
        return None
    return {number for number, _ in (now if changed & _FORM_DEFAULTS else now - was)}
