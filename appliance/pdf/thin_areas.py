"""Areas, clips and pictures without height or width (ISO 32000-2, 8.5.3.3 and 10.7.4). PDFium draws a line of one
pixel, however thin they are, others nothing: words could be written of them. Charts have some where nothing is
lost without them, so the page is drawn with and without; in patterns, glyphs and notes there is no need of them.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import pairwise
from typing import Any, NamedTuple

from PIL import Image, ImageChops
from pypdfium2 import raw

from appliance.pdf import geometry, pages
from appliance.pdf.coordinates import UNCHANGED, Limits, Matrix, multiplied, place
from appliance.pdf.geometry import Box
from appliance.pdf.inline_images import NotPlain
from appliance.pdf.line_caps import STROKES
from appliance.pdf.reader import entry

Point = tuple[float, float]

_LONGEST_FOLD = 50.0
"""Of areas that fold back on themselves, in the least height: drawings of office software have shorter ones."""
_PICTURES = 15
"""Times that have pictures on a page, where Cairo leaves out what is less; old fonts have such glyphs."""
_SQUARE_OF_ANGLE = 1e-12
_SCALES, _VISIBLE, _FEW = (2.09, 2.87), 40, 3
_FILLS = frozenset(b"f F f* B B* b b*".split())
_CURVE = None
"""Between points: no line joins them."""
_SEGMENTS = frozenset(b"l c v y".split())
_COMMENT = re.compile(rb"%[^\r\n]*")
_STEPS = re.compile(rb"([^A-Za-z]*+)m((?:[^A-Za-z]*+l)*+)|([^A-Za-z]*+)([A-Za-z]+\*?)")
"""The beginning of a part with all lines that follow, or the operands of another operator and itself."""


class AreaState(NamedTuple):
    """What matters for areas: the matrix, the box of what is left of the clip, whether lines are drawn in full,
    and whether areas hide what is below them."""

    matrix: Matrix
    clip: Box | None
    lined: bool
    opaque: bool


def look_at_areas(operators: bytes, state: AreaState, limits: Limits) -> tuple[bool, Box | None]:
    """Whether there are thin areas or clips in *operators*, whole paths and states, and the box of the clip after
    them. Raises :class:`NotPlain` for a thin part of a larger area."""
    parts: list[list[Point | None]] = []
    thin, clips, clip = False, False, state.clip
    a, b, c, d, e, f = state.matrix

    for step in _STEPS.finditer(_plain(operators)):
        first, lines, operands, name = step.groups()
        if name is None or name in _SEGMENTS:
            numbers = [*map(float, (operands or first + lines.replace(b"l", b" ")).split())]
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            points: list[Point | None] = [(a * x + c * y + e, b * x + d * y + f) for x, y in pairs]
            if name is None:
                parts.append(points)
            else:
                parts[-1] += points if name == b"l" else [part for each in points for part in (_CURVE, each)]
        elif name == b"re":
            x, y, width, height = map(float, operands.split())
            corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
            parts.append([place(state.matrix, *each) for each in corners])
        elif name in (b"W", b"W*"):
            clips = True
        elif name in _FILLS or name in STROKES or name == b"n":
            if clips and parts:
                clip = overlap(clip, box_of([each for part in parts for each in part]))
                thin |= is_thin(clip, limits.least)
            if name in _FILLS and not (state.lined and name in STROKES):
                thin |= _is_thin_area(parts, state, limits.least)
            parts, clips = [], False
    return thin, clip


def _plain(operators: bytes) -> bytes:
    """Without comments and odd blanks."""
    operators = _COMMENT.sub(b" ", operators) if b"%" in operators else operators
    return operators.replace(b"\0", b" ")


def _is_thin_area(parts: Sequence[Sequence[Point | None]], state: AreaState, least: float) -> bool:
    thin, thick = list[Sequence[Point | None]](), list[Sequence[Point | None]]()
    fold = 0.0
    for each in parts:
        if len(each) > 1:
            straight, folded = _bends(each)
            (thin if straight or is_thin(box_of(each), least) else thick).append(each)
            fold = max(fold, folded)
    if thick and fold > _LONGEST_FOLD * least:
        if state.opaque and len(thick) == 1 and _holds(thick[0], thin, _PICTURES * least):
            return False
        raise NotPlain("a thin part of an area")
    return bool(thin)


def _holds(thick: Sequence[Point | None], thin: Sequence[Sequence[Point | None]], least: float) -> bool:
    """Whether *thick* is a rectangle that all programs draw, with all *thin* parts in it: they are not seen, as of
    the inner side of a frame that is nothing but its lines."""
    corners = [each for index, each in enumerate(thick) if each and each != thick[index - 1]]
    sides = [(one[0] == other[0]) + (one[1] == other[1]) for one, other in pairwise([*corners, corners[0]])]
    box = box_of(corners)
    inside = all(overlap(box, each) == each for each in map(box_of, thin))
    return _CURVE not in thick and sides == [1] * 4 and len({*corners}) == 4 and not is_thin(box, least) and inside


def box_of(points: Sequence[Point | None]) -> Box:
    """The box around *points*."""
    across, up = zip(*filter(None, points), strict=True)
    return min(across), min(up), max(across), max(up)


def overlap(one: Box | None, other: Box) -> Box:
    """What both have, with sides below nothing where that is none."""
    if one is None:
        return other
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def is_thin(box: Box, least: float) -> bool:
    """Whether it has less than the *least* height or width."""
    return min(box[2] - box[0], box[3] - box[1]) < least


def _bends(points: Sequence[Point | None]) -> tuple[bool, float]:
    """Whether all *points* are on one line, and how far lines between them go back over each other at most."""
    if _CURVE not in points:
        return _bends_along(_around(points))
    begin = points.index(_CURVE)
    lines, folds = list[Point | None](), [0.0]
    for each in [*points[begin + 1 :], *points[: begin + 1]]:
        if each is not _CURVE:
            lines.append(each)
        else:
            folds.append(_bends_along(lines)[1])
            lines = []
    return _bends_along(_around([each for each in points if each is not _CURVE]))[0], max(folds)


def _around(points: Sequence[Any]) -> Sequence[Any]:
    """*points* so that each corner between them is there, the last and the first, too."""
    return [*(points if points[-1] == points[-2] else points[-2:]), *points]


def _bends_along(points: Sequence[Any]) -> tuple[bool, float]:
    straight, fold = True, 0.0
    (last_x, last_y), ux, uy, before = points[0], 0.0, 0.0, 0.0
    for x, y in points:
        vx, vy = x - last_x, y - last_y
        after = vx * vx + vy * vy
        if not after:
            continue
        bent = ux * vy - uy * vx
        if bent * bent > _SQUARE_OF_ANGLE * before * after:
            straight = False
        elif ux * vx + uy * vy < 0:
            fold = max(fold, min(before, after))
        last_x, last_y, ux, uy, before = x, y, vx, vy, after
    return straight, fold**0.5


def has_thin_box(painted: Any, matrix: Matrix, limits: Limits) -> bool:
    """Whether the box of *painted* under *matrix*, a form, the cell of a pattern or a shading, is thin."""
    box = geometry.box(entry(painted, "/BBox"))
    return box is not None and is_thin(
        box_of([place(matrix, x, y) for x in box[::2] for y in box[1::2]]), limits.least
    )


def is_thin_picture(matrix: Matrix, limits: Limits) -> bool:
    """Whether a picture under *matrix* is."""
    return is_thin(_box_of_picture(matrix), limits.least * (1 if limits.apart else _PICTURES))


def _box_of_picture(matrix: Matrix) -> Box:
    a, b, c, d, _, _ = matrix
    return box_of([(0, 0), (a, b), (c, d), (a + c, b + d)])


def visible_page(document: bytes, least: float) -> int | None:
    """The first page (from 1) that PDFium draws otherwise without what is thinner than *least*; None for none."""
    with pages.opened(document) as pdf:
        for number in range(len(pdf)):
            with closing(pdf[number]) as sheet:
                objects = [raw.FPDFPage_GetObject(sheet, each) for each in range(raw.FPDFPage_CountObjects(sheet))]
                thin = list(_thin_objects(objects, UNCHANGED, None, least))
                before = _drawn(sheet) if thin else []
                for each in thin:
                    _put_away(each)
                if thin and any(map(_differ, before, _drawn(sheet))):
                    return number + 1
    return None


def _drawn(sheet: Any) -> list[Image.Image]:
    scales = [pages.bounded(sheet.get_size(), each) for each in _SCALES]
    return [sheet.render(scale=each, draw_annots=False).to_pil().convert("RGB") for each in scales]


def _differ(before: Image.Image, after: Image.Image) -> bool:
    """Not by some dot that hardly shows."""
    most = [
        each.point([level > _VISIBLE for level in range(256)])
        for each in ImageChops.difference(before, after).split()
    ]
    return any(each.histogram()[1] > _FEW for each in most)


def _put_away(drawn: Any) -> None:
    """An area whose outline is drawn, too, loses the area only."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if raw.FPDFPath_GetDrawMode(drawn, fill, stroke) and fill.value and stroke.value:
        raw.FPDFPath_SetDrawMode(drawn, raw.FPDF_FILLMODE_NONE, 1)
    else:
        raw.FPDFPageObj_SetIsActive(drawn, False)


def _thin_objects(objects: Sequence[Any], outer: Matrix, clip: Box | None, least: float) -> Iterator[Any]:
    for each in objects:
        clipped, kind = _clip_of(each, outer, clip), raw.FPDFPageObj_GetType(each)
        matrix = multiplied(_matrix_of(each), outer)
        if clipped is not None and is_thin(clipped, least):
            yield each
        elif kind == raw.FPDF_PAGEOBJ_FORM:
            inner = [
                raw.FPDFFormObj_GetObject(each, number) for number in range(raw.FPDFFormObj_CountObjects(each))
            ]
            yield from _thin_objects(inner, matrix, clipped, least)
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            if is_thin(_box_of_picture(matrix), _PICTURES * least):
                yield each
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            fill, stroke = ctypes.c_int(), ctypes.c_int()
            if raw.FPDFPath_GetDrawMode(each, fill, stroke) and fill.value:
                segments = (
                    raw.FPDFPath_GetPathSegment(each, at) for at in range(raw.FPDFPath_CountSegments(each))
                )
                parts = list(_parts(segments, matrix))
                if parts and all(is_thin(box_of(part), least) or _bends(part)[0] for part in parts):
                    yield each


def _matrix_of(drawn: Any) -> Matrix:
    found = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, found)
    return found.a, found.b, found.c, found.d, found.e, found.f


def _clip_of(drawn: Any, outer: Matrix, clip: Box | None) -> Box | None:
    path = raw.FPDFPageObj_GetClipPath(drawn)
    for index in range(max(0, raw.FPDFClipPath_CountPaths(path))):
        count = raw.FPDFClipPath_CountPathSegments(path, index)
        segments = (raw.FPDFClipPath_GetPathSegment(path, index, each) for each in range(count))
        points = [point for part in _parts(segments, outer) for point in part]
        with suppress(ValueError):  # a path of nothing
            clip = overlap(clip, box_of(points))
    return clip


def _parts(segments: Iterator[Any], matrix: Matrix) -> Iterator[list[Point]]:
    """The subpaths of a path that PDFium has read."""
    part: list[Point] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for each in segments:
        raw.FPDFPathSegment_GetPoint(each, x, y)
        if raw.FPDFPathSegment_GetType(each) == raw.FPDF_SEGMENT_MOVETO:
            if len(part) > 1:
                yield part
            part = []
        part.append(place(matrix, x.value, y.value))
    if len(part) > 1:
        yield part
