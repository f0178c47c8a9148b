"""Comparing rendered pages of the signed revision with the same pages now.

Whatever the objects say, a page that looks different was changed. The regions of fields that were filled later,
and are accounted for, are left out; what a new picture does to the text that was there is asked then
(:mod:`appliance.pdf.ink`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import pypdfium2
from PIL import Image, ImageChops, ImageDraw
from pypdfium2 import raw

from appliance.pdf.ink import BESIDE, adds, hides
from appliance.pdf.values import PagePair, PageRegion

MOST_PAGES = 200
_COMPARED_DPI = 40  # pictures are compared exactly, so that a changed digit shows at this size too
_SHOWN_DPI = 72
_CLOSE_DPI = 144  # a minus or a comma of small letters is some pixels
_POINTS_PER_INCH = 72
_LARGEST_SIDE = 2000
_SMALLEST_SIDE = 400
"""In points, of the longer side: a page that is smaller has large units (/UserUnit), and is shown large."""
_LARGEST_SHOWN_CLOSELY = _LARGEST_SIDE * _POINTS_PER_INCH / _CLOSE_DPI
_AROUND = 24.0
_BELOW = 1e-3  # so that rounding up leaves it as it is
_MARGIN = 2
_MOST_KEPT = 32
_MOST_SHOWN = 3


class NotRendered(Exception):
    """One of the two could not be shown, so nothing can be said about the look."""


class PageStates(Protocol):
    """What is known of a document's pages without drawing them; ends are lengths of its revisions."""

    def earliest(self, page: int, end: int, region: PageRegion | None = None) -> int:
        """Where the first revision ends in which *page*, or only what it shows in *region*, is what it is in the
        first *end* bytes."""

    def regions_since(self, page: int, end: int) -> frozenset[PageRegion] | None:
        """Outside of which parts *page* is known to be the same since the first *end* bytes; None: it is not."""

    def keeps_pages(self, end: int) -> bool:
        """Whether it is known that no page came or went since the first *end* bytes."""


class _Unknown:
    """A page may look different in every revision."""

    def earliest(self, page: int, end: int, region: PageRegion | None = None) -> int:
        """*end* itself."""
        return end

    def regions_since(self, page: int, end: int) -> frozenset[PageRegion] | None:
        """Nothing is known."""
        return None

    def keeps_pages(self, end: int) -> bool:
        """Nothing is known."""
        return False


class PageComparison:
    """How the pages of *document* look, beside earlier revisions of it; each page is drawn once in each state.

    *bare*: without annotations and form fields, so that the pages' own contents are compared. By *states* pages
    that are known to be the same are not drawn to be compared. Where parts alone are known to differ, all else is
    compared once, beside the first revision that is asked about.
    """

    def __init__(self, document: bytes, *, bare: bool = False, states: PageStates | None = None) -> None:
        self._document = document
        self._size = len(document)
        self._bare = bare
        self._states = states or _Unknown()
        self._opened: dict[int, pypdfium2.PdfDocument] = {}
        self._drawn: dict[tuple[int, int, int, bool, PageRegion | None], _Sheet] = {}
        self._closely: set[int] = set()
        self._apart: dict[int, bool] = {}
        self._hidden: dict[tuple[int, PageRegion], bool] = {}
        self._with_ink: dict[tuple[int, PageRegion], bool] = {}
        self._with_letters: dict[tuple[int, PageRegion], bool] = {}

    def differences(
        self,
        before: bytes | int,
        *,
        except_for: Sequence[PageRegion] = (),
        pages: Iterable[int] | None = None,
        most: int | None = None,
    ) -> tuple[PagePair, ...]:
        """The pages that look different from those of *before*, at most three of them; *before* is a file, or how
        many of the document's first bytes are one. *pages* None means all (up to *most* that are drawn,
        ``MOST_PAGES`` by default).

        Raises :class:`NotRendered`.
        """
        try:
            if isinstance(before, bytes):
                with _open(before) as old:
                    return self._different(old, except_for, pages, MOST_PAGES if most is None else most)
            new = self._revision(self._size)
            if not self._states.keeps_pages(before) and len(self._revision(before)) != len(new):
                return (self.pair(before, 0),)
            listed = sorted(pages) if pages is not None else range(len(new))
            chosen = [page for page in listed if self._is_touched(page, before)]
            if len(chosen) > (MOST_PAGES if most is None else most):
                raise NotRendered
            found = [page for page in chosen if self._differs(before, page, except_for)]
            return tuple(self.pair(before, page) for page in found[:_MOST_SHOWN])
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error

    def _different(
        self, old: pypdfium2.PdfDocument, except_for: Sequence[PageRegion], pages: Iterable[int] | None, most: int
    ) -> tuple[PagePair, ...]:
        """Beside another file, of whose objects nothing is known."""
        new = self._revision(self._size)
        if len(old) != len(new):
            return (PagePair(1, _png(old, 0), _png(new, 0)),)
        chosen = sorted(pages) if pages is not None else range(len(old))
        if len(chosen) > most:
            raise NotRendered
        sheets = ((page, _sheet(old, page, bare=self._bare)) for page in chosen)
        found = [page for page, sheet in sheets if self._looks_different(sheet, page, except_for)]
        return tuple(PagePair(page + 1, _png(old, page), _png(new, page)) for page in found[:_MOST_SHOWN])

    def pair(self, before: int, page: int) -> PagePair:
        """The *page* (from 0) in the first *before* bytes, and now. Raises what PDFium raises."""
        return PagePair(page + 1, *(_png(self._revision(end), page) for end in (before, self._size)))

    def hiding(self, before: int, regions: Iterable[PageRegion]) -> frozenset[PageRegion]:
        """Those of *regions* in which something is drawn now that hides what the first bytes, *before* as many,
        showed there.

        Raises :class:`NotRendered`.
        """
        return self._chosen(before, regions, self._hides, self._hidden)

    def adding(
        self, before: int, regions: Iterable[PageRegion], pictures: Sequence[PageRegion]
    ) -> frozenset[PageRegion]:
        """Those of *regions* in which ink is drawn now that may be taken for a part of the letters that the first
        bytes, *before* as many, showed there or just beside it. What these showed in *pictures*, of signatures
        that were there already, is no text, but for what the page itself shows below them.

        Raises :class:`NotRendered`.
        """
        found = set()
        try:
            for region in regions:
                place = self._states.earliest(region.page, before, region), region
                if place not in self._with_ink:
                    self._with_ink[place] = self._adds(*place, pictures)
                if self._with_ink[place]:
                    found.add(region)
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error
        return frozenset(found)

    def lettered(self, before: int, regions: Iterable[PageRegion]) -> frozenset[PageRegion]:
        """Those of *regions* in which the first bytes, *before* as many, showed letters, hidden now or not.

        Raises :class:`NotRendered`.
        """
        return self._chosen(before, regions, _has_letters, self._with_letters)

    def part(self, region: PageRegion) -> Image.Image:
        """What the document shows in *region* now, at 144 dpi, as seen before the page is turned (/Rotate).

        Raises :class:`NotRendered`.
        """
        self._closely.add(region.page)
        try:
            sheet = self._sheet(region.page, self._size, around=region)
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error
        return sheet.picture.crop(sheet.part(region)).rotate(sheet.rotation, expand=True)

    def _chosen(
        self,
        before: int,
        regions: Iterable[PageRegion],
        applies: Callable[[_Sheet, PageRegion], bool],
        known: dict[tuple[int, PageRegion], bool],
    ) -> frozenset[PageRegion]:
        """Those of which *applies* says so, given the page before; *known* is what it said already."""
        found = set()
        try:
            for region in regions:
                place = self._states.earliest(region.page, before, region), region
                if place not in known:
                    self._closely.add(region.page)
                    there = region.page < len(self._revision(place[0]))
                    known[place] = not there or applies(self._sheet(region.page, place[0], around=region), region)
                if known[place]:
                    found.add(region)
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error
        return frozenset(found)

    def _hides(self, then: _Sheet, region: PageRegion) -> bool:
        now, part = self._sheet(region.page, self._size, around=region), then.part(region)
        return then.picture.size != now.picture.size or hides(then.picture.crop(part), now.picture.crop(part))

    def _adds(self, end: int, region: PageRegion, pictures: Sequence[PageRegion]) -> bool:
        self._closely.add(region.page)
        if region.page >= len(self._revision(end)):
            return True
        then, now = (self._sheet(region.page, each, around=region) for each in (end, self._size))
        left, upper, right, lower = then.part(region)
        part = (
            max(left - BESIDE, 0),
            max(upper - BESIDE, 0),
            min(right + BESIDE, then.picture.width),
            min(lower + BESIDE, then.picture.height),
        )
        if then.picture.size != now.picture.size:
            return True
        texts = [then.picture.copy()]
        for each in pictures:
            if each.page == region.page and each.box[0] < each.box[2] and each.box[1] < each.box[3]:
                texts[1:] = [self._sheet(region.page, end, bare=True, around=region).picture]
                texts[0].paste(texts[1].crop(then.part(each)), then.part(each))
        return any(adds(text.crop(part), then.picture.crop(part), now.picture.crop(part)) for text in texts)

    def _is_touched(self, page: int, before: int) -> bool:
        return self._states.earliest(page, before) != self._states.earliest(page, self._size)

    def _differs(self, before: int, page: int, except_for: Sequence[PageRegion]) -> bool:
        changed = self._states.regions_since(page, before)
        known = changed is not None and changed <= frozenset(except_for)
        if known and page in self._apart:
            return self._apart[page]
        then = self._sheet(page, self._states.earliest(page, before))
        different = self._looks_different(then, page, except_for)
        if known:
            self._apart[page] = different
        return different

    def _looks_different(self, before: _Sheet, page: int, except_for: Sequence[PageRegion]) -> bool:
        sheet = self._sheet(page, self._size)
        if before.picture.size != sheet.picture.size:
            return True
        regions = [region for region in except_for if region.page == page]
        was, now = before.picture.copy(), sheet.picture.copy()
        for region in regions:
            sheet.blank(was, region)
            sheet.blank(now, region)
        return ImageChops.difference(was, now).getbbox() is not None

    def _revision(self, end: int) -> pypdfium2.PdfDocument:
        """The first *end* bytes, opened; the whole document is kept so, and the last one beside it."""
        if end not in self._opened:
            for other in self._opened.keys() - {self._size} if end != self._size else ():
                self._opened.pop(other).close()
            self._opened[end] = _open(self._document, end)
        return self._opened[end]

    def _sheet(self, page: int, end: int, *, bare: bool = False, around: PageRegion | None = None) -> _Sheet:
        """The page, at the larger size if a look for what is hidden needs that, too; of a page that is too large
        for that only what lies *around* a region of it."""
        dpi = _CLOSE_DPI if page in self._closely else _COMPARED_DPI
        bare = bare or self._bare
        if around is not None and max(self._revision(end)[page].get_size()) <= _LARGEST_SHOWN_CLOSELY:
            around = None
        key = page, end, dpi, bare, around
        sheet = self._drawn.pop(key, None) or _sheet(self._revision(end), page, dpi, bare=bare, around=around)
        self._drawn[key] = sheet  # the last one of those that are kept
        if len(self._drawn) > _MOST_KEPT:
            del self._drawn[next(iter(self._drawn))]
        return sheet


def _has_letters(then: _Sheet, region: PageRegion) -> bool:
    part = then.picture.crop(then.part(region))
    return hides(part, Image.new("RGB", part.size))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page's picture; its box (left, bottom, right, top; inherited ones too) and its /Rotate."""

    picture: Image.Image
    box: tuple[float, float, float, float]
    rotation: int

    def blank(self, picture: Image.Image, region: PageRegion) -> None:
        """Paint over the region in *picture*."""
        left, upper, right, lower = self._place(region)
        box = (left - _MARGIN, upper - _MARGIN, right + _MARGIN, lower + _MARGIN)
        ImageDraw.Draw(picture).rectangle(box, fill="white")

    def part(self, region: PageRegion) -> tuple[int, int, int, int]:
        """The region in whole pixels, as far as it lies on the page; at least one pixel."""
        left, upper, right, lower = (round(each) for each in self._place(region))
        width, height = self.picture.size
        left, upper = min(max(left, 0), width - 1), min(max(upper, 0), height - 1)
        return left, upper, max(min(right, width), left + 1), max(min(lower, height), upper + 1)

    def _place(self, region: PageRegion) -> tuple[float, float, float, float]:
        """Where the region lies in the picture of the cropped and rotated page: left, upper, right, lower."""
        left, bottom, right, top = self.box
        width, height = max(right - left, 1), max(top - bottom, 1)
        corners = [
            _turned((x - left) / width, (top - y) / height, self.rotation)
            for x in (region.box[0], region.box[2])
            for y in (region.box[1], region.box[3])
        ]
        xs = sorted(x * self.picture.width for x, _ in corners)
        ys = sorted(y * self.picture.height for _, y in corners)
        return xs[0], ys[0], xs[-1], ys[-1]


def _open(document: bytes, end: int | None = None) -> pypdfium2.PdfDocument:
    """The first *end* bytes of *document* (all for None), which are not copied."""
    size = len(document) if end is None else end
    loaded = raw.FPDF_LoadMemDocument64(document, size, None)
    if raw.FPDF_GetPageCount(loaded) < 1:
        raw.FPDF_CloseDocument(loaded)
        raise pypdfium2.PdfiumError("it cannot be read, or has no page")
    pdf = pypdfium2.PdfDocument(loaded)
    pdf._data_holder.append(document)  # PDFium reads in it for as long as it is open
    pdf.init_forms()
    return pdf


def _sheet(
    pdf: pypdfium2.PdfDocument, number: int, dpi: int = _COMPARED_DPI, *, bare: bool = False,
    around: PageRegion | None = None,
) -> _Sheet:  # fmt: skip
    page = pdf[number]
    box, rotation = page.get_bbox(), page.get_rotation()
    if around is None:
        return _Sheet(_picture(page, dpi, bare=bare), box, rotation)
    edges = [max(box[side], around.box[side] - _AROUND) for side in (0, 1)]
    edges += [min(box[side], around.box[side] + _AROUND) for side in (2, 3)]
    sides = box[2] - box[0], box[3] - box[1]
    if min(sides) <= 0 or edges[0] >= edges[2] or edges[1] >= edges[3]:
        return _Sheet(_picture(page, dpi, bare=bare), box, rotation)
    cut = [abs(edges[side] - box[side]) / sides[side % 2] for side in range(4)]  # left, bottom, right, top
    turns = rotation // 90
    cut = cut[turns:] + cut[:turns]
    sizes = page.get_size()
    left = max(sizes[side] * (1 - cut[side] - cut[side + 2]) for side in (0, 1))
    scale = min(dpi / _POINTS_PER_INCH, _LARGEST_SIDE / max(left, 1))
    crop = [max(round(cut[side] * sizes[side % 2] * scale) - _BELOW, 0) / scale for side in range(4)]
    return _Sheet(_picture(page, dpi, bare=bare, scale=scale, crop=crop), (*edges[:2], *edges[2:]), rotation)


def _picture(
    page: pypdfium2.PdfPage,
    dpi: int,
    *,
    bare: bool = False,
    scale: float = 0,
    crop: Sequence[float] = (0, 0, 0, 0),
) -> Image.Image:
    longest = max(*page.get_size(), 1)
    if not scale:
        scale = min(dpi / _POINTS_PER_INCH * max(_SMALLEST_SIDE / longest, 1), _LARGEST_SIDE / longest)
    picture: Image.Image = page.render(
        scale=scale, crop=tuple(crop), may_draw_forms=not bare, draw_annots=not bare
    ).to_pil()
    return picture.convert("RGB")


def _turned(x: float, y: float, rotation: int) -> tuple[float, float]:
    """The place on the page as seen of a place, from 0 to 1 from the upper left, on the page before /Rotate."""
    return {90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}.get(rotation, (x, y))


def _png(pdf: pypdfium2.PdfDocument, page: int) -> bytes:
    buffer = BytesIO()
    _picture(pdf[page], _SHOWN_DPI).quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
