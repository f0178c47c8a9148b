"""Finding phrases in the text of pages, with the place where each is seen: for fields that go beside words.

Blanks and line ends do not count, nor does whether characters are full or half width, capital or small: what a
person reads as one phrase is found however the file puts it together.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
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
            boxes = [_box(page, text, index) for index in indices]
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


def _box(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, index: int) -> _Box:
    left, bottom, right, top = text.get_charbox(index, loose=True)
    first, second = seen(page, left, bottom), seen(page, right, top)
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(first, second, strict=True))
    return _Box(x0, y0, x1, y1)


def seen(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    """A point of the page's own coordinates in per cent of the page as seen, crop and turn applied."""
    right, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, ctypes.byref(right), ctypes.byref(down))
    return right.value * 100 / _GRID, down.value * 100 / _GRID


def _found(phrase: str, page: int, boxes: Sequence[_Box]) -> FoundPhrase:
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    return FoundPhrase(phrase, page, *(round(each, 4) for each in (left, top, right - left, bottom - top)))
