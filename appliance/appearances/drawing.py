"""From strokes to ink: lines that are thin where the hand was quick and thick where it was slow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

from PIL import Image, ImageDraw

from appliance.errors import DocumentRefused

WIDTH, HEIGHT = 1000, 400
"""The sheet that points are on, from its upper left corner."""

MOST_STROKES, MOST_POINTS = 200, 6000
INK = (24, 26, 34)
_LARGER = 2
_THIN, _THICK = 4.0, 11.0
_QUICK = 60.0
"""How many units between two points make the thinnest line."""

_MARGIN = 12

Point = tuple[float, float]
Stroke = list[Point]


def checked(strokes: object) -> list[Stroke]:
    """Points as a browser posted them, as numbers on the sheet. Raises DocumentRefused for anything else."""
    if not isinstance(strokes, list) or len(strokes) > MOST_STROKES:
        raise _unusable()
    found = [[_point(point) for point in stroke] for stroke in strokes if _is_stroke(stroke)]
    if len(found) != len(strokes) or sum(len(stroke) for stroke in found) > MOST_POINTS:
        raise _unusable()
    if sum(_length(stroke) for stroke in found) < WIDTH / 20:
        raise DocumentRefused("nothing-drawn", "Nothing was drawn; sign in the box with mouse, finger or pen.")
    return found


def drawn(strokes: Any) -> bytes:
    """The *strokes* that a browser posted as ink on nothing: a PNG, cut to what was
    drawn. Raises as :func:`checked`."""
    sheet = Image.new("L", (WIDTH * _LARGER, HEIGHT * _LARGER))
    pen = ImageDraw.Draw(sheet)
    for stroke in checked(strokes):
        for (x, y), thickness in _dabs(stroke):
            radius = thickness / 2
            box = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse([round(each * _LARGER, 2) for each in box], fill=255)
    box = sheet.getbbox() or (0, 0, 1, 1)
    margin = _MARGIN * _LARGER
    ink = sheet.crop((box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin))
    ink = ink.resize((max(1, ink.width // _LARGER), max(1, ink.height // _LARGER)), Image.Resampling.LANCZOS)
    picture = Image.new("RGBA", ink.size, INK)
    picture.putalpha(ink)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _is_stroke(stroke: object) -> bool:
    return isinstance(stroke, list) and 0 < len(stroke) <= MOST_POINTS


def _point(point: object) -> Point:
    match point:
        case [int() | float() as x, int() | float() as y] if 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
            return float(x), float(y)
    raise _unusable()


def _unusable() -> DocumentRefused:
    return DocumentRefused("drawing-unusable", "The drawing did not arrive in one piece; clear it and draw again.")


def _length(stroke: Stroke) -> float:
    return sum(math.dist(one, other) for one, other in pairwise(stroke)) + WIDTH / 100


def _dabs(stroke: Stroke) -> Iterator[tuple[Point, float]]:
    """Round dabs so close that they make a line, each with its thickness; a smooth curve through all points."""
    if len(stroke) == 1:
        yield stroke[0], _THICK
        return
    thickness = (_THIN + _THICK) / 2
    for index in range(len(stroke) - 1):
        before, start = stroke[max(index - 1, 0)], stroke[index]
        end, after = stroke[index + 1], stroke[min(index + 2, len(stroke) - 1)]
        distance = math.dist(start, end)
        wanted = _THICK - (_THICK - _THIN) * min(1.0, distance / _QUICK)
        steps = max(1, math.ceil(distance * 1.5))
        for step in range(steps + 1):
            share = step / steps
            yield _between(before, start, end, after, share), thickness + (wanted - thickness) * 0.4 * share
        thickness += (wanted - thickness) * 0.4


def _between(before: Point, start: Point, end: Point, after: Point, share: float) -> Point:
    """A point of the Catmull-Rom curve from *start* to *end*."""

    def axis(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (
            2 * b + (c - a) * share + (2 * a - 5 * b + 4 * c - d) * share**2 + (3 * b - a - 3 * c + d) * share**3
        )

    return (axis(before[0], start[0], end[0], after[0]), axis(before[1], start[1], end[1], after[1]))
