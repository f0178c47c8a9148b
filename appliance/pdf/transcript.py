"""The text of pages for those who read it whole, and the boxes where parts of it are seen."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from appliance.pdf.search import seen
from appliance.pdf.visible import seen_text

MOST_BOXES = 24
_LOOKED_AT = 200
"""Objects of a page that are looked at for a picture."""

_PICTURES = frozenset({raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM})


@dataclass(frozen=True, slots=True)
class PageText:
    """One page: its text with line ends, blanks for what is not seen; whether anything is drawn on it, and whether
    that is a picture."""

    text: str
    drawn: bool
    picture: bool


def pages(pdf: pypdfium2.PdfDocument) -> Iterator[PageText]:
    """The pages of *pdf*, one after the other."""
    for number in range(len(pdf)):
        with closing(pdf[number]) as page, closing(page.get_textpage()) as text:
            kinds = {
                raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, index))
                for index in range(min(raw.FPDFPage_CountObjects(page), _LOOKED_AT))
            }
            yield PageText(seen_text(page, text), bool(kinds), bool(kinds & _PICTURES))


def boxes(
    pdf: pypdfium2.PdfDocument, number: int, start: int, end: int
) -> list[tuple[float, float, float, float]]:
    """Where the characters *start* to *end* of a page's text are seen: one box (x, y, width, height) for each
    line, in per cent of the page as seen; at most 24."""
    with closing(pdf[number]) as page, closing(page.get_textpage()) as text:
        first = raw.FPDFText_GetCharIndexFromTextIndex(text, start)
        last = raw.FPDFText_GetCharIndexFromTextIndex(text, end - 1)
        if first < 0 or last < first:
            return []
        count = raw.FPDFText_CountRects(text, first, last - first + 1)
        return [_box(page, text, index) for index in range(min(count, MOST_BOXES))]


def _box(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetRect(text, index, *(ctypes.byref(each) for each in (left, top, right, bottom)))
    first, second = seen(page, left.value, bottom.value), seen(page, right.value, top.value)
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(first, second, strict=True))
    return round(x0, 4), round(y0, 4), round(x1 - x0, 4), round(y1 - y0, 4)
