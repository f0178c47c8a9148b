"""Comparing rendered pages of the signed revision with the same pages now.

Whatever the objects say, a page that looks different was changed. The regions of fields that were filled later,
and are accounted for, are left out; but a new picture must not hide text that was there. Lines and borders of
boxes, on which signatures are usually put, do not count as hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import pypdfium2
from PIL import Image, ImageChops, ImageDraw

from appliance.pdf.values import PagePair, PageRegion

_CONTRAST = 64
_LONGEST_STROKE = 24  # in pixels at 72 dpi: what runs further is a line
_LEAST_INK = 6


def hides(before: Image.Image, after: Image.Image) -> bool:
    """Whether *after*, drawn over *before* (the same part of the same page, at 72 dpi), hides letters of it."""
    width, height = before.size
    was, now = _ink(before), _ink(after)
    rows = [was[start : start + width] for start in range(0, width * height, width)]
    lines = {(x, y) for y, row in enumerate(rows) for x in _long_runs(row)}
    for x in range(width):
        lines |= {(x, y) for y in _long_runs(was[x::width])}
    lost = (
        divmod(place, width) for place, (one, other) in enumerate(zip(was, now, strict=True)) if one and not other
    )
    return sum((x, y) not in lines for y, x in lost) >= _LEAST_INK


def _ink(picture: Image.Image) -> bytes:
    """1 for each pixel that stands out from the picture's most frequent grey, else 0."""
    grey = picture.convert("L")
    counts = grey.histogram()
    ground = counts.index(max(counts))
    return grey.point([int(abs(level - ground) >= _CONTRAST) for level in range(256)]).tobytes()


def _long_runs(pixels: bytes) -> Iterator[int]:
    """The places of pixels in runs of ink that are longer than any stroke of a letter."""
    start = 0
    for place, pixel in enumerate((*pixels, 0)):
        if pixel:
            continue
        if place - start > _LONGEST_STROKE:
            yield from range(start, place)
        start = place + 1


MOST_PAGES = 200
_COMPARED_DPI = 40  # pictures are compared exactly, so that a changed digit shows at this size too
_SHOWN_DPI = 72
_POINTS_PER_INCH = 72
_LARGEST_SIDE = 2000
_MARGIN = 2
_MOST_KEPT = 16


class NotRendered(Exception):
    """One of the two could not be shown, so nothing can be said about the look."""


class PageComparison:
    """How the pages of *document* look, beside earlier revisions of it: opened once, each page drawn once.

    *bare*: without annotations and form fields, so that the pages' own contents are compared.
    """

    def __init__(self, document: bytes, *, bare: bool = False) -> None:
        self._document = document
        self._bare = bare
        self._opened: pypdfium2.PdfDocument | None = None
        self._drawn: dict[int, _Sheet] = {}

    def differences(
        self,
        before: bytes,
        *,
        except_for: Sequence[PageRegion] = (),
        pages: Iterable[int] | None = None,
        most: int | None = None,
    ) -> tuple[PagePair, ...]:
        """The pages that look different from those of *before*, at most three of them; *pages* None means all (up
        to *most*, ``MOST_PAGES`` by default).

        Raises :class:`NotRendered`.
        """
        try:
            with _open(before) as old:
                new = self._pdf()
                if len(old) != len(new):
                    return (PagePair(1, _png(old, 0), _png(new, 0)),)
                chosen = sorted(pages) if pages is not None else range(len(old))
                if len(chosen) > (MOST_PAGES if most is None else most):
                    raise NotRendered
                found = [page for page in chosen if self._differs(old, page, except_for)]
                return tuple(PagePair(page + 1, _png(old, page), _png(new, page)) for page in found[:3])
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error

    def hiding(self, before: bytes, regions: Iterable[PageRegion]) -> frozenset[PageRegion]:
        """Those of *regions* in which something is drawn now that hides what *before* showed there.

        Raises :class:`NotRendered`.
        """
        return self._chosen(before, regions, self._hides)

    def lettered(self, before: bytes, regions: Iterable[PageRegion]) -> frozenset[PageRegion]:
        """Those of *regions* in which *before* showed letters, hidden now or not.

        Raises :class:`NotRendered`.
        """
        return self._chosen(before, regions, self._has_letters)

    def _chosen(
        self,
        before: bytes,
        regions: Iterable[PageRegion],
        applies: Callable[[pypdfium2.PdfDocument, PageRegion], bool],
    ) -> frozenset[PageRegion]:
        regions = tuple(regions)
        if not regions:
            return frozenset()
        try:
            with _open(before) as old:
                return frozenset(each for each in regions if applies(old, each))
        except (pypdfium2.PdfiumError, ValueError, OSError) as error:
            raise NotRendered from error

    def _hides(self, old: pypdfium2.PdfDocument, region: PageRegion) -> bool:
        if region.page >= len(old):
            return True
        before, after = _sheet(old, region.page, _SHOWN_DPI), _sheet(self._pdf(), region.page, _SHOWN_DPI)
        if before.picture.size != after.picture.size:
            return True
        part = before.part(region)
        return hides(before.picture.crop(part), after.picture.crop(part))

    def _has_letters(self, old: pypdfium2.PdfDocument, region: PageRegion) -> bool:
        if region.page >= len(old):
            return True
        before = _sheet(old, region.page, _SHOWN_DPI)
        part = before.picture.crop(before.part(region))
        return hides(part, Image.new("RGB", part.size))

    def _pdf(self) -> pypdfium2.PdfDocument:
        if self._opened is None:
            self._opened = _open(self._document)
        return self._opened

    def _differs(self, old: pypdfium2.PdfDocument, page: int, except_for: Sequence[PageRegion]) -> bool:
        before, sheet = _sheet(old, page, bare=self._bare).picture, self._sheet(page)
        if before.size != sheet.picture.size:
            return True
        after = sheet.picture.copy()
        for region in except_for:
            if region.page == page:
                sheet.blank(before, region)
                sheet.blank(after, region)
        return ImageChops.difference(before, after).getbbox() is not None

    def _sheet(self, page: int) -> _Sheet:
        sheet = self._drawn.get(page) or _sheet(self._pdf(), page, bare=self._bare)
        if len(self._drawn) < _MOST_KEPT:
            self._drawn[page] = sheet
        return sheet


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


def _open(document: bytes) -> pypdfium2.PdfDocument:
    pdf = pypdfium2.PdfDocument(document)
    pdf.init_forms()
    return pdf


def _sheet(
    pdf: pypdfium2.PdfDocument, number: int, dpi: int = _COMPARED_DPI, *, bare: bool = False
) -> _Sheet:
    page = pdf[number]
    return _Sheet(_picture(page, dpi, bare=bare), page.get_bbox(), page.get_rotation())


def _picture(page: pypdfium2.PdfPage, dpi: int, *, bare: bool = False) -> Image.Image:
    scale = dpi / _POINTS_PER_INCH
    scale = min(scale, _LARGEST_SIDE / max(*page.get_size(), 1))
    picture: Image.Image = page.render(scale=scale, may_draw_forms=not bare, draw_annots=not bare).to_pil()
    return picture.convert("RGB")


def _turned(x: float, y: float, rotation: int) -> tuple[float, float]:
    """The place on the page as seen of a place, from 0 to 1 from the upper left, on the page before /Rotate."""
    return {90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}.get(rotation, (x, y))


def _png(pdf: pypdfium2.PdfDocument, page: int) -> bytes:
    buffer = BytesIO()
    _picture(pdf[page], _SHOWN_DPI).quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
