"""Whether a later picture hides what a page showed before: ink that was there and can no longer be told from its
surroundings.

Lines and the borders of boxes, over which signatures are usually put, are not counted: what is counted is what has
the size of letters.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

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
