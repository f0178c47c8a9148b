"""What the picture of a form field says, as far as that is certain for everybody who looks at it.

A picture is drawn here as a page of its own: with its text, without it, and without what cuts it off. Its text is
what it says if nothing else is drawn but ground and lines, and every letter is seen whole, upright and in its
order on the *ground*, which is what the page shows below it. Whoever could choose the picture's typefaces could
draw any letter as another one; which of them are believed is asked elsewhere.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from ctypes import byref, c_double
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageFilter, ImageOps
from pypdfium2 import raw

from appliance.pdf.ink import edges

_STANDS_OUT = 48
_LEAST_SEEN = 3
_LEAST_PART = 0.8
_LEAST_HEIGHT = 3.0
_LEAST_LINE = 0.9
"""How much of the picture's breadth or height a line takes that is a border, or parts the cells of a comb."""
_BESIDE = 2
_SHARPER = 2
_ALIKE_SIDE, _NEAR_EDGE = 80, 5
_LARGEST_SIDE = 3000
_MOST_LETTERS = 5000
_DRAWN = frozenset({raw.FPDF_TEXTRENDERMODE_FILL, raw.FPDF_TEXTRENDERMODE_FILL_STROKE})
_OVERLAP, _LEAN = 0.4, 0.5
_SIZES_ALIKE, _BASES_APART = 0.7, 0.1
_OTHERWISE_READ = ("<super>", "<sub>", "<fraction>", "<circle>")
"""Decompositions of letters that are not read as the plain ones: 10\N{SUPERSCRIPT TWO} is not 102."""
_WORD = re.compile(
    rb"[\x00\t\n\x0c\r ]++|%[^\r\n]*+|(?P<word>"
    rb"\((?:[^()\\]++|\\[\x00-\xff]|\((?:[^()\\]++|\\[\x00-\xff])*+\))*+\)|<[0-9A-Fa-f\x00\t\n\x0c\r ]*+>|[\[\]]|"
    rb"/?[!-$&'*-.0-;=?-Z\\^-z|~]++)"
)
_OPERAND = re.compile(rb"[(<\[\]].*|[+-]?(?:\d+\.?\d*|\.\d+)", re.DOTALL)
_SHOWING, _CUTTING, _NAMED = (
    frozenset({b"Tj", b"TJ", b"'", b'"'}),
    frozenset({b"W", b"W*"}),
    (b"Tf", b"BMC", b"cs", b"CS"),
)
_DEVICE_SPACES = frozenset({b"DeviceGray", b"DeviceRGB", b"DeviceCMYK"})
"""Names that stand for themselves, whatever the resources say (ISO 32000-2, 8.6.4)."""
_PLAIN_OPERATORS = (
    frozenset(
        b"q Q cm w J j M d i m l c v y h re n f F f* S s B B* b b* g G rg RG k K cs CS sc SC BMC EMC"
        b" BT ET Td TD Tm T* Tc Tw Tz TL Ts Tr Tf".split()
    )
    | _SHOWING
    | _CUTTING
)


class NotCertain(Exception):
    """What the picture says cannot be told."""


@dataclass(frozen=True, slots=True)
class FieldPicture:
    """One page of a PDF that draws a picture, and another that draws it in a frame as wide as itself and cuts
    nothing off (:func:`uncut`); the picture's size in points where it is seen, and what the page shows below."""

    page: int
    framed: int
    size: tuple[float, float]
    ground: Image.Image


def uncut(content: bytes, fonts: Container[str]) -> bytes:
    """*content* without the operators that cut off what lies outside a path (W and W*).

    Raises :class:`NotCertain` where it may say something else than it draws (ISO 32000-2, 14.9.4), or draw
    something else where it is seen: programs look for what its own resources do not have in those of the page. It
    may use nothing but the typefaces *fonts*.
    """
    kept, operands = bytearray(content), list[bytes]()
    chosen, outer = False, list[bool]()
    for start, end in _words(content):
        word = content[start:end]
        if word.startswith(b"/") or _OPERAND.fullmatch(word):
            operands.append(word)
            continue
        names = [each[1:] for each in operands if each.startswith(b"/")]
        if word not in _PLAIN_OPERATORS or len(names) != (word in _NAMED) or (word in _SHOWING and not chosen):
            raise NotCertain
        if word in (b"cs", b"CS") and names[0] not in _DEVICE_SPACES:
            raise NotCertain
        if word == b"Tf":
            chosen = "/" + names[0].decode("ascii") in fonts
            if not chosen:
                raise NotCertain
        elif word == b"q":
            outer.append(chosen)
        elif word == b"Q" and outer:
            chosen = outer.pop()
        elif word in _CUTTING:
            kept[start:end] = b" " * (end - start)
        operands.clear()
    return bytes(kept)


def _words(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of every word, outside of comments. Raises :class:`NotCertain` for what programs may read
    otherwise."""
    place = 0
    while place < len(content):
        found = _WORD.match(content, place)
        if found is None:
            raise NotCertain
        if found["word"] is not None:
            yield found.span("word")
        place = found.end()


def plain(text: str) -> str:
    """*text* as it is compared: NFKC, without blanks and what is never seen; raised letters stay what they are."""
    parts = (
        "".join(run) if otherwise else unicodedata.normalize("NFKC", "".join(run))
        for otherwise, run in groupby(
            text, lambda each: unicodedata.decomposition(each).startswith(_OTHERWISE_READ)
        )
    )
    return "".join(each for each in "".join(parts) if not each.isspace() and unicodedata.category(each)[0] != "C")


def said(pdf: pypdfium2.PdfDocument, picture: FieldPicture) -> str:
    """The text that *picture* shows, :func:`plain`. Raises :class:`NotCertain`."""
    with closing(pdf[picture.page]) as page:
        letters = list(_letters(page, picture))
        scale = _scale(page, picture)
        with_text = _drawn(page, scale)
        _remove_text(page)
        without = _drawn(page, scale)
        _require_uncut(pdf, picture, scale, _difference(with_text, without))
        _require_seen(letters, page.get_mediabox(), scale, picture.ground, (with_text, without))
    return plain("".join(each.text for each in letters))


def alike(pdf: pypdfium2.PdfDocument, one: int, other: int) -> bool:
    """Whether two pages look the same but for how their edges are drawn. Raises PdfiumError."""
    drawn = []
    for number in (one, other):
        with closing(pdf[number]) as page:
            scale = min(_ALIKE_SIDE / max(min(page.get_size()), 1e-6), _LARGEST_SIDE / max(*page.get_size(), 1e-6))
            picture = page.render(scale=scale, draw_annots=False, may_draw_forms=False).to_pil().convert("RGB")
            drawn.append(ImageOps.expand(picture, _NEAR_EDGE, "white"))  # the rim is an edge, too
    if drawn[0].size != drawn[1].size:
        return False
    steps = [255 * (step >= _STANDS_OUT) for step in range(256)]
    near = [edges(each).point(steps).filter(ImageFilter.MaxFilter(_NEAR_EDGE)) for each in drawn]
    allowed = ImageChops.darker(*near)
    return ImageChops.subtract(_difference(*drawn), allowed).getbbox() is None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter and its box in the page's coordinates; where it stands, and how large it is."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    base: float
    size: float


def _letters(page: pypdfium2.PdfPage, picture: FieldPicture) -> Iterator[_Letter]:
    """In their order; upright, one beside the other, one line below the other."""
    height = picture.size[1] / max(page.get_height(), 1)
    last: _Letter | None = None
    with closing(page.get_textpage()) as text:
        if text.count_chars() > _MOST_LETTERS:
            raise NotCertain
        for index in range(text.count_chars()):
            letter = chr(min(raw.FPDFText_GetUnicode(text, index), 0x10FFFF))
            if raw.FPDFText_IsGenerated(text, index) == 1 or letter.isspace():
                continue
            if not plain(letter):
                raise NotCertain  # some of these are drawn, such as parts of brackets
            _, bottom, _, top = text.get_charbox(index, loose=True)
            size = _size(text, index)
            if min(top - bottom, size) * height < _LEAST_HEIGHT:
                raise NotCertain
            left, low, right, high = text.get_charbox(index)
            found = _Letter(letter, left, low, right, high, _base(text, index), size)
            if last is not None and not _follows(found, last):
                raise NotCertain
            last = found
            yield found


def _size(text: pypdfium2.PdfTextPage, index: int) -> float:
    """Of a letter that stands upright; a size below zero turns it over. Raises :class:`NotCertain` for others."""
    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(text, index, byref(matrix)):
        raise NotCertain
    upright = (
        matrix.a > 0 and matrix.d > 0 and abs(matrix.b) < 1e-3 * matrix.a and abs(matrix.c) < _LEAN * matrix.d
    )
    size = raw.FPDFText_GetFontSize(text, index) * matrix.d
    if not upright or size <= 0:
        raise NotCertain
    return float(size)


def _base(text: pypdfium2.PdfTextPage, index: int) -> float:
    x, y = c_double(), c_double()
    if not raw.FPDFText_GetCharOrigin(text, index, byref(x), byref(y)):
        raise NotCertain
    return y.value


def _follows(letter: _Letter, before: _Letter) -> bool:
    smaller, larger = sorted((letter.size, before.size))
    if smaller < _SIZES_ALIKE * larger:
        return False
    if letter.top <= before.bottom + _OVERLAP * (before.top - before.bottom) and letter.left <= before.left:
        return True  # another line
    narrower = min(letter.right - letter.left, before.right - before.left)
    level = abs(letter.base - before.base) <= _BASES_APART * smaller
    return level and letter.left >= before.right - _OVERLAP * narrower


def _remove_text(page: pypdfium2.PdfPage) -> None:
    """Take the text away. Raises :class:`NotCertain` unless there is text and nothing else but paths below it."""
    objects = list(page.get_objects(max_depth=1))
    kinds = [each.type for each in objects]
    if not set(kinds) <= {raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_PATH}:
        raise NotCertain
    if any(before == raw.FPDF_PAGEOBJ_TEXT != after for before, after in pairwise(kinds)):
        raise NotCertain
    for each in objects:
        if each.type == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(each) not in _DRAWN:
                raise NotCertain
            page.remove_obj(each)


def _scale(page: pypdfium2.PdfPage, picture: FieldPicture) -> float:
    width, height = page.get_size()
    return float(min(picture.ground.width * _SHARPER / max(width, 1), _LARGEST_SIDE / max(width, height, 1)))


def _drawn(page: pypdfium2.PdfPage, scale: float) -> Image.Image:
    """With what is below it showing through."""
    drawn: Image.Image = page.render(
        scale=scale, fill_color=(0, 0, 0, 0), draw_annots=False, may_draw_forms=False
    ).to_pil()
    return drawn.convert("RGBA")


def _difference(one: Image.Image, other: Image.Image) -> Image.Image:
    """White where the two differ clearly, in colour or in how much shows through."""
    found = Image.new("L", one.size)
    for channel in ImageChops.difference(one, other).split():
        found = ImageChops.lighter(found, channel.point([255 * (step >= _STANDS_OUT) for step in range(256)]))
    return found


def _require_uncut(pdf: pypdfium2.PdfDocument, picture: FieldPicture, scale: float, text: Image.Image) -> None:
    """The framed picture shows the same of the text, and no more around it."""
    with closing(pdf[picture.framed]) as page:
        left, bottom, right, top = page.get_mediabox()
        aside, above = (math.ceil(length * scale) for length in (right - left, top - bottom))
        page.set_mediabox(left - aside / scale, bottom - above / scale, right + aside / scale, top + above / scale)
    with closing(pdf[picture.framed]) as page:
        with_text = _drawn(page, scale)
        _remove_text(page)
        whole = _difference(with_text, _drawn(page, scale))
        page.set_mediabox(left, bottom, right, top)
    blank = Image.new("L", whole.size)
    blank.paste(text, (aside, above))
    if ImageChops.difference(whole, blank).histogram()[255] > _LEAST_SEEN:
        raise NotCertain


def _lines(without: Image.Image) -> Image.Image:
    """White where there is a line from side to side, or from the top to the bottom. Raises :class:`NotCertain`
    unless there is one ground and nothing else."""
    colours: list[tuple[int, Any]] = without.getcolors(without.width * without.height) or []
    ground = max(colours, default=(0, (0, 0, 0, 0)))[1]
    inked = _difference(without, Image.new("RGBA", without.size, ground))
    found = inked.copy()
    width, height = inked.size
    pixels = inked.tobytes()
    rows = [y for y in range(height) if pixels.count(255, y * width, (y + 1) * width) >= _LEAST_LINE * width]
    columns = [x for x in range(width) if pixels[x::width].count(255) >= _LEAST_LINE * height]
    for y in rows:
        inked.paste(0, (0, y - _BESIDE, width, y + _BESIDE + 1))
    for x in columns:
        inked.paste(0, (x - _BESIDE, 0, x + _BESIDE + 1, height))
    if inked.getbbox() is not None:
        raise NotCertain
    return found


def _require_seen(
    letters: Sequence[_Letter],
    frame: tuple[float, float, float, float],
    scale: float,
    below: Image.Image,
    pictures: tuple[Image.Image, Image.Image],
) -> None:
    """All ink of the text is a letter's; each letter's stands out from what is below it, and no line goes through
    it. *pictures*: with the text, and without it."""
    drawn = _difference(*pictures)
    ground = below.convert("RGBA").resize(drawn.size)
    seen = _difference(*(Image.alpha_composite(ground, each) for each in pictures))
    boxes, lines = [_pixels(each, frame, scale) for each in letters], _lines(pictures[1])
    for box in boxes:
        ink, visible = (picture.crop(box).histogram()[255] for picture in (drawn, seen))
        left, top, right, bottom = box
        inner = left + 2, top + 2, max(right, left + 4) - 2, max(bottom, top + 4) - 2
        struck = lines.crop(inner).getbbox() is not None
        if ink < _LEAST_SEEN or visible < _LEAST_PART * ink or struck:
            raise NotCertain
    for box in boxes:
        drawn.paste(0, box)
    if drawn.histogram()[255] > _LEAST_SEEN:
        raise NotCertain


def _pixels(letter: _Letter, frame: tuple[float, float, float, float], scale: float) -> tuple[int, int, int, int]:
    left, _, _, top = frame
    return (
        int((letter.left - left) * scale) - 1,
        int((top - letter.top) * scale) - 1,
        int((letter.right - left) * scale) + 2,
        int((top - letter.bottom) * scale) + 2,
    )
