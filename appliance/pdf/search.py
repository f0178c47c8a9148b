"""The text of pages: where phrases stand in it, for fields that go beside words, and which of it can be seen.

Blanks and line ends do not count, nor does whether characters are full or half width, capital or small: what a
person reads as one phrase is found however the file puts it together.

A document may contain text for programs that no person can read. A page is rendered with its text and without.
Where that makes no difference there is nothing to read: characters in the colour of their background, under a
picture, outside the page, clipped, transparent. Characters too small to read, and those that are only there for
searching (PDF 32000-1, 9.3.6: neither filled nor stroked), count as unseen too. Characters hidden by other
characters at the same place are not recognised.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final

import pypdfium2
from PIL import Image, ImageChops
from pypdfium2 import raw

from appliance.errors import DocumentRefused
from appliance.pdf.pages import opened
from appliance.pdf.values import FoundPhrase

MOST_PHRASES = 20
LONGEST_PHRASE = 100
MOST_FOUND = 1000
_GRID = 1_000_000
"""PDFium tells places in whole pixels, so a page is asked about as if it were this many wide and high."""

_APART = 1.5
"""How many character heights may lie between characters that stand below each other."""


@dataclass(frozen=True, slots=True)
class _Box:
    """A character's place in per cent of the page as seen."""

    left: float
    top: float
    right: float
    bottom: float

    def rounded(self) -> tuple[float, float, float, float]:
        """Upper left corner, width and height, to four digits."""
        left, top = self.left, self.top
        return round(left, 4), round(top, 4), round(self.right - left, 4), round(self.bottom - top, 4)

    def continues(self, before: _Box) -> bool:
        """Whether it stands in one line with the character *before*, or in one column."""
        in_line = self.top < before.bottom and before.top < self.bottom
        height = before.bottom - before.top
        in_column = self.left < before.right and before.left < self.right
        return in_line or (in_column and 0 <= self.top - before.bottom <= _APART * height)


def find_phrases(document: bytes, phrases: Sequence[str]) -> list[FoundPhrase]:
    """See PdfWorkshop.find."""
    wanted = {phrase: _plain(phrase) for phrase in phrases}
    _refuse_nonsense(wanted)
    found: list[FoundPhrase] = []
    with opened(document) as pdf:
        for number in range(len(pdf)):
            with closing(pdf[number]) as page, closing(page.get_textpage()) as text:
                here = list(_on_page(number, page, text, wanted))
            found += sorted(here, key=lambda one: (one.y, one.x))
            if len(found) >= MOST_FOUND:
                break
    return found[:MOST_FOUND]


def _refuse_nonsense(wanted: dict[str, str]) -> None:
    if not 0 < len(wanted) <= MOST_PHRASES:
        raise DocumentRefused("phrases", "Look for one to {most} phrases at once.", most=MOST_PHRASES)
    for phrase, plain in wanted.items():
        if not plain or len(phrase) > LONGEST_PHRASE:
            raise DocumentRefused(
                "phrases", "A phrase to look for has 1 to {most} characters that can be seen.", most=LONGEST_PHRASE
            )


def _plain(text: str) -> str:
    """*text* as it is compared."""
    return "".join(_plain_character(character) for character in text)


def _plain_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(each for each in folded if not each.isspace() and unicodedata.category(each)[0] != "C")


def _on_page(
    number: int, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, wanted: dict[str, str]
) -> Iterator[FoundPhrase]:
    all_text = _plain(text.get_text_range())
    if not any(plain in all_text for plain in wanted.values()):
        return
    letters, places = _letters(text)
    for phrase, plain in wanted.items():
        start = letters.find(plain)
        while start >= 0:
            indices = dict.fromkeys(places[start : start + len(plain)])
            boxes = [_seen(page, *text.get_charbox(index, loose=True)) for index in indices]
            if all(after.continues(before) for before, after in pairwise(boxes)):
                yield _found(phrase, number, boxes)
            start = letters.find(plain, start + len(plain))


def _letters(text: pypdfium2.PdfTextPage) -> tuple[str, list[int]]:
    """The page's text as it is compared, and for each of its letters the number of its character in PDFium."""
    letters: list[str] = []
    places: list[int] = []
    for index in range(text.count_chars()):
        for letter in _plain_character(chr(min(raw.FPDFText_GetUnicode(text, index), 0x10FFFF))):
            letters.append(letter)
            places.append(index)
    return "".join(letters), places


def _seen(page: pypdfium2.PdfPage, x0: float, y0: float, x1: float, y1: float) -> _Box:
    """A box of the page's own coordinates in per cent of the page as seen, crop and turn applied."""
    to_grid = pypdfium2.PdfPosConv(page, (0, 0, _GRID, _GRID, 0)).to_bitmap
    (left, right), (top, bottom) = map(sorted, zip(to_grid(x0, y0), to_grid(x1, y1), strict=True))
    return _Box(*(each * 100 / _GRID for each in (left, top, right, bottom)))


def _found(phrase: str, page: int, boxes: Sequence[_Box]) -> FoundPhrase:
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    return FoundPhrase(phrase, page, *_Box(left, top, right, bottom).rounded())


_SIDE: Final = 900
"""Pixels of the longer side of the pictures that are compared."""

_DIFFERENT: Final = 16
"""Of 255 shades: what differs less is not read."""

_SMALLEST: Final = 2.0
"""Pixels; on A4 about 2 points."""

_OPAQUE: Final = 26
"""Of 255: what is more transparent than this counts as not there."""

_DEEPEST: Final = 9
"""How deep forms within forms are followed, the page included."""

_UNDRAWN: Final = frozenset({raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP})


def seen_text(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> str:
    """The page's text, as long as it is, with a blank for each letter that is not seen.

    Takes the text off the open *page*: it is to be closed afterwards.
    """
    told: str = text.get_text_range()
    if not told.strip():
        return told
    written = list(page.get_objects([raw.FPDF_PAGEOBJ_TEXT], max_depth=_DEEPEST))
    before = _drawn(page)
    for each in written:
        raw.FPDFPageObj_SetIsActive(each, False)
    ink = ImageChops.difference(before, _drawn(page)).point(lambda shade: 255 * (shade >= _DIFFERENT))
    sight = _Sight(page, text, ink)
    if not any(_undrawn(each) for each in written) and sight.is_whole():
        return told
    return "".join(letter if letter.isspace() or sight.shows(at) else " " for at, letter in enumerate(told))


@dataclass(frozen=True, slots=True)
class _Sight:
    """``ink``: white where the text makes a difference."""

    page: pypdfium2.PdfPage
    text: pypdfium2.PdfTextPage
    ink: Image.Image

    def is_whole(self) -> bool:
        """Whether every line has ink from its beginning to its end; where not, each letter is looked at."""
        return all(self._inked(number) for number in range(self.text.count_rects()))

    def shows(self, at: int) -> bool:
        """Whether the letter *at* (of the text) is seen."""
        index = raw.FPDFText_GetCharIndexFromTextIndex(self.text, at)
        thing = raw.FPDFText_GetTextObject(self.text, index)
        if index < 0 or (thing and _undrawn(thing)):
            return False
        box = _seen(self.page, *self.text.get_charbox(index, loose=True))
        left, top, right, bottom = self._pixels(box)
        tall_enough = max(bottom - top, right - left) >= _SMALLEST
        return tall_enough and self._crop(left, top, right, bottom).getbbox() is not None

    def _inked(self, number: int) -> bool:
        left, top, right, bottom = self._pixels(_seen(self.page, *self.text.get_rect(number)))
        size = min(right - left, bottom - top)
        if size < 2 * _SMALLEST:
            return False
        line = self._crop(left, top, right, bottom)
        along = line.resize(
            (line.width, 1) if line.width >= line.height else (1, line.height), Image.Resampling.BOX
        )
        gaps = along.point(lambda shade: 255 * (shade > 0)).tobytes().split(b"\xff")
        return max(map(len, gaps)) <= size

    def _pixels(self, box: _Box) -> tuple[float, float, float, float]:
        """*box* in pixels of the picture."""
        width, height = self.ink.size
        return box.left * width / 100, box.top * height / 100, box.right * width / 100, box.bottom * height / 100

    def _crop(self, left: float, top: float, right: float, bottom: float) -> Image.Image:
        return self.ink.crop((int(left), int(top), int(right) + 1, int(bottom) + 1))


def _drawn(page: pypdfium2.PdfPage) -> Image.Image:
    scale = _SIDE / max(*page.get_size(), 1.0)
    drawn: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
    return drawn


def _undrawn(thing: Any) -> bool:
    if raw.FPDFTextObj_GetTextRenderMode(thing) in _UNDRAWN:
        return True
    shades = [ctypes.c_uint() for _ in range(4)]
    known = raw.FPDFPageObj_GetFillColor(thing, *(ctypes.byref(each) for each in shades))
    return bool(known) and shades[3].value < _OPAQUE


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
            kinds = {each.type for each in islice(page.get_objects(max_depth=1), _LOOKED_AT)}
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
        count = min(text.count_rects(first, last - first + 1), MOST_BOXES)
        return [_seen(page, *text.get_rect(index)).rounded() for index in range(count)]
