"""How what a signer fills in is set: in one line, or in as many as fit, as large as its place allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from appliance.errors import DocumentRefused
from appliance.pdf.font_subsets import FontSubset, Glyph, GlyphLine

LARGEST, SMALLEST, STEP = 11.0, 5.0, 0.5
"""Sizes of the letters in points."""

_LEADING: Final = 1.25
_EDGE: Final = 1.0
_INK: Final = "0.1 0.1 0.12"
_LINE: Final = 0.5


def draw_frame(width: float, height: float) -> bytes:
    """The operators that show the edge of a place, filled in or not: nobody signs without seeing where somebody
    else will write, or takes for the text's own what was written in it."""
    inside = f"{_LINE / 2} {_LINE / 2} {width - _LINE:.3f} {height - _LINE:.3f}"
    return f"q 0.5 0.56 0.66 RG {_LINE} w {inside} re S Q".encode("ascii")


def draw_input(lettering: FontSubset, text: str, *, width: float, height: float) -> bytes:
    """The operators that show *text* in a place of *width* by *height* points, with the font /Small. Raises
    DocumentRefused for a text that does not fit, or has characters that the typeface lacks."""
    size, lines = _fitted(lettering.line(text), width - 2 * _EDGE, height)
    top = (height + len(lines) * size * _LEADING) / 2
    shown = [
        f"BT /Small {size:.2f} Tf {_EDGE:.2f} {top - (number + 0.76) * size * _LEADING:.3f} Td "
        f"{line.shown().decode('ascii')} Tj ET"
        for number, line in enumerate(lines)
    ]
    return draw_frame(width, height) + "\n".join([f"\nq {_INK} rg", *shown, "Q"]).encode("ascii")


def _fitted(line: GlyphLine, width: float, height: float) -> tuple[float, list[GlyphLine]]:
    size = LARGEST
    while size >= SMALLEST:
        lines = list(_broken(line, width / size * 1000))
        if all(each.width <= width / size * 1000 for each in lines) and len(lines) * size * _LEADING <= height:
            return size, lines
        size -= STEP
    raise DocumentRefused("input-too-long", "What you filled in does not fit in its field; shorten it.")


def _broken(line: GlyphLine, width: float) -> Iterator[GlyphLine]:
    """*line* in lines of at most *width*, broken behind blanks and between characters that are as wide as they are
    high; a longer word is broken anywhere."""
    rest = line.glyphs
    while rest:
        fit, used = 0, 0.0
        while fit < len(rest) and used + rest[fit].advance <= width:
            used += rest[fit].advance
            fit += 1
        fit = max(fit, 1)
        if fit < len(rest):
            fit = next((place for place in range(fit, fit // 2, -1) if _may_break(rest, place)), fit)
        yield GlyphLine(rest[:fit])
        rest = rest[fit:]


def _may_break(glyphs: tuple[Glyph, ...], place: int) -> bool:
    [(before, after)] = pairwise(glyphs[place - 1 : place + 1])
    return before.text == " " or (before.advance >= 1000 and after.advance >= 1000)
