"""How far from a page its content may be drawn (ISO 32000-2, 8.3).

PDFium draws a line, an area or a clip from 30,000 pixels beside the page at another place or not at all, MuPDF
and Poppler where it is. In the largest pictures that people see, these are 15 times the width of the page. Upright
lines and rectangles are drawn alike everywhere. Poppler leaves out letters of more than 1200 units, PDFium those
whose font size is hardly any, and Evince passes over a matrix that has no inverse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor, inf, log2
from typing import Any, NamedTuple, Protocol

from pyhanko.pdf_utils.generic import BooleanObject, DictionaryObject, NumberObject

from appliance.pdf import geometry
from appliance.pdf.inline_images import NotPlain
from appliance.pdf.line_caps import STROKES, operations
from appliance.pdf.reader import entry

Matrix = tuple[float, float, float, float, float, float]
UNCHANGED: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_WIDTHS, _ROOT_OF_AREAS = 12, 3.79
"""24,000 pixels of the largest picture of a page, which is 2000 pixels wide and has 40 million of them at most."""
_FAR = 300
"""Times that: where upright lines, text and origins may be. Beyond it, 24 bits are too few for a place on a page,
and Cairo draws nothing."""
_SLACK = 1 / 2000
"""Of that: how much an upright line may lean. PDFium moves its far end, and so the rest by a pixel."""
_LARGEST_LETTERS, _SMALLEST_SIZE = 1200.0, 0.001
_SMALLEST_SIDE = 1.0
"""Of a page; MuPDF draws a smaller one as large as that."""
_NARROWEST, _SQUEEZED = 4.0, 0.04
"""Of letters; PDFium draws narrower ones over each other."""
SHOWN = re.compile(rb"T[Jj]|['\"]")
"""In operators without strings: letters are drawn."""
LEAST = 0.02
"""Points; PDFium draws what is less high or wide as if it were one pixel."""
_FLAT = 1e-12
_LEAST_ROOM = 1e-9
_LARGEST = 10.0**9
"""No number has more digits."""
_POINTS = frozenset(b"m l c v y".split())
_ENDS = STROKES | frozenset(b"n f f* F".split())
_CLOSING = _ENDS - {b"S", b"n"} | {b"h"}
_STROKE = re.compile(rb"[SsBb]")
_LONG = 7
"""Digits of a number that means nothing in text."""
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


class TooFar(NotPlain):
    """Content is drawn so far from the page, or so large or small, that programs draw it differently."""


class PathState(Protocol):
    """What matters of the graphics state for paths: the matrix, the widest line, and whether lines are dashed."""

    @property
    def matrix(self) -> Matrix: ...
    @property
    def width(self) -> float: ...
    @property
    def dashed(self) -> bool: ...


class TextState(Protocol):
    """What matters for text: the matrix, the size of letters, and the largest distance of lines."""

    @property
    def matrix(self) -> Matrix: ...
    @property
    def letters(self) -> float: ...
    @property
    def leading(self) -> float: ...


class Limits(NamedTuple):
    """How far from its origin a stream may draw, in its own units; the widest line that its caller leaves;
    whether its rectangles stay upright; how high and wide areas and pictures are at least; whether it is
    ``apart``: drawn by a pattern, glyph, mask or note, and not by the page itself; whether it is ``mixed``: in
    a group that is not isolated (1) or whose parts knock each other out (2); and how opaque its caller leaves
    areas and lines."""

    room: float = inf
    width: float = 1.0
    upright: bool = True
    least: float = 0.0
    apart: bool = False
    mixed: int = 0
    alphas: tuple[float, float] = (1.0, 1.0)

    def under(self, matrix: Matrix) -> Limits:
        """What is left for a stream that is drawn under *matrix*."""
        most = norm(matrix)
        if is_flat(matrix):
            raise TooFar("a matrix without an inverse")
        room = (self.room - max(abs(matrix[4]), abs(matrix[5]))) / most
        least = self.least * most / abs(matrix[0] * matrix[3] - matrix[1] * matrix[2])
        return self._replace(room=room, upright=self.upright and is_upright(matrix), least=least)

    def coarser(self) -> Limits:
        """No more than this, in powers of two: there are few of them."""
        room = 2.0 ** floor(log2(self.room)) if _LEAST_ROOM < self.room < inf else self.room
        room = room if room > _LEAST_ROOM else -inf
        width, least = (2.0 ** ceil(log2(each)) if each else each for each in (self.width or 1.0, self.least))
        return self._replace(room=room, width=width, least=least)

    def both(self, other: Limits) -> Limits:
        """What suits both."""
        room, upright = min(self.room, other.room), self.upright and other.upright
        width, least = max(self.width, other.width), max(self.least, other.least)
        apart, mixed = self.apart or other.apart, max(self.mixed, other.mixed)
        alphas = max(self.alphas, other.alphas, key=_doubtful)
        return Limits(room, width, upright, least, apart, mixed, alphas)


def _doubtful(alphas: tuple[float, float]) -> tuple[bool, bool]:
    return are_unlike(alphas), alphas != (1, 1)


def are_unlike(alphas: tuple[float, float]) -> bool:
    """Whether programs mix lines that are as opaque as the second number with their area in their own ways."""
    return alphas[1] not in (0, 1, alphas[0])


def six(numbers: Sequence[float]) -> Matrix:
    """The matrix of *numbers*. Raises :class:`ValueError` unless they are six."""
    a, b, c, d, e, f = numbers
    return a, b, c, d, e, f


def multiplied(inner: Matrix, outer: Matrix) -> Matrix:
    """The matrix that applies *inner* first."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def place(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    """Where *matrix* has the point *x*, *y*."""
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def norm(matrix: Matrix) -> float:
    """By how much *matrix* lengthens at most."""
    return max(abs(matrix[0]) + abs(matrix[2]), abs(matrix[1]) + abs(matrix[3]))


def is_upright(matrix: Matrix) -> bool:
    """Whether the sides of rectangles stay parallel to those of the page."""
    return matrix[1] == matrix[2] == 0 or matrix[0] == matrix[3] == 0


def is_flat(matrix: Matrix) -> bool:
    """Whether *matrix* has no inverse."""
    a, b, c, d, _, _ = matrix
    return bool(abs(a * d - b * c) <= _FLAT * norm(matrix) ** 2)


def page_limits(page: Any) -> tuple[Limits, Matrix]:
    """For the content of *page*, and the matrix that moves its lower left corner to the origin."""
    frame, crop = geometry.frame(page), geometry.box(geometry.inherited(page, "/CropBox"))
    x0, y0, x1, y1 = frame.box
    turn = geometry.inherited(page, "/Rotate")
    if turn and (not isinstance(turn, NumberObject) or turn % 90):
        raise NotPlain("a page that is turned by no quarter")
    if crop is not None and not (crop[0] <= x0 and crop[1] <= y0 and x1 <= crop[2] and y1 <= crop[3]):
        raise NotPlain("a page of which nothing is left")
    sides = (x1 - x0, y1 - y0)
    room = max(_WIDTHS * sides[frame.rotation in (90, 270)], _ROOT_OF_AREAS * (sides[0] * sides[1]) ** 0.5)
    if min(sides) < _SMALLEST_SIDE or max(abs(x0), abs(y0)) > _FAR * room:
        raise TooFar("the box of a page")
    return Limits(room, least=LEAST), (1.0, 0.0, 0.0, 1.0, -x0, -y0)


def form_limits(limits: Limits, form: Any) -> Limits:
    """For the content of *form*, which is drawn under *limits*. Raises :class:`TooFar`."""
    inner, group = limits.under(matrix_of(form)), entry(form, "/Group")
    if isinstance(group, DictionaryObject):
        isolated, knocking = (_is_true(entry(group, key)) for key in ("/I", "/K"))
        inner = inner._replace(mixed=2 if knocking else int(not isolated), alphas=(1.0, 1.0))
    box = geometry.box(entry(form, "/BBox")) or ()
    if any(abs(each) > inner.room * (_FAR if inner.upright else 1) for each in box):
        raise TooFar("the box of a form")
    return inner


def _is_true(value: Any) -> bool:
    return isinstance(value, BooleanObject) and bool(value.value)


def picture_limits(limits: Limits, origin: Matrix, note: Any, picture: Any) -> Limits:
    """For the *picture* of *note*, whose box is fitted into the note's place (12.5.5)."""
    rect, box = geometry.box(entry(note, "/Rect")), geometry.box(entry(picture, "/BBox"))
    if rect is None or box is None:
        return limits
    matrix = matrix_of(picture)
    corners = [place(matrix, x, y) for x in box[::2] for y in box[1::2]]
    lower, upper = (tuple(map(kind, *corners)) for kind in (min, max))
    scales = [(rect[i + 2] - rect[i]) / (upper[i] - lower[i]) for i in (0, 1) if upper[i] > lower[i]]
    away = max(abs(rect[0] + origin[4]), abs(rect[1] + origin[5]))
    room = (limits.room - away) / (max(scales, default=0) or 1) - max(map(abs, lower))
    return limits._replace(room=room, least=limits.least / max(min(scales, default=1), _FLAT))


def matrix_of(stream: Any, key: str = "/Matrix") -> Matrix:
    """The matrix of a form, pattern or (*key*: /FontMatrix) font. Raises :class:`NotPlain` for what is none."""
    written = entry(stream, key)
    if written is None:
        return UNCHANGED
    try:
        return six([float(written[index]) for index in range(len(written))])
    except (TypeError, ValueError) as error:
        raise NotPlain("a matrix") from error


class TextLines:
    """How far the lines of a text may have moved, and how large its letters are, between BT and ET (9.4)."""

    def __init__(self) -> None:
        self._moved, self._scale, self._squeezed = 0.0, 1.0, False

    def follow(
        self, operators: bytes, state: TextState, limits: Limits, *, seen: bool = True
    ) -> tuple[float, Limits]:
        """The leading after *operators*, whose strings were taken out, and what is left for the font's glyphs, for
        letters of the size 1. Far away no text is seen, so the whole way alone matters. Raises :class:`TooFar`."""
        matrices = [*map(six, given(operators, b"Tm", 6))]
        moves = [max(map(abs, each)) for name in (b"Td", b"TD") for each in given(operators, name, 2)]
        squeezed = [self._squeezed or _is_squeezed(state.matrix)]
        squeezed += [_is_squeezed(multiplied(each, state.matrix)) for each in matrices]
        if seen and any(squeezed):
            raise TooFar("squeezed letters")
        self._squeezed = squeezed[-1]
        leading = largest(operators, b"TL", state.leading)
        leading = max([leading, *moves]) if b"TD" in operators else leading
        scale = max([self._scale, *map(norm, matrices)])
        lines = operators.count(b"T*") + operators.count(b"'") + operators.count(b'"')
        self._moved += 2 * (sum(moves) + lines * leading) * scale
        away = max((abs(each) for matrix in matrices for each in matrix[4:]), default=0.0)
        most = norm(state.matrix)
        if (away + self._moved) * most > limits.room * _FAR or _has_long(operators, _LONG):
            raise TooFar("text")
        if state.letters * scale * most > min(limits.room, _LARGEST_LETTERS):
            raise TooFar("large letters")
        smallest = min([self._scale, *map(norm, matrices)]) * state.letters * most
        self._scale = norm(matrices[-1]) if matrices else self._scale
        room, least = limits.room / 2 / (state.letters * scale * most or 1), limits.least / (smallest or 1)
        return leading, limits._replace(room=room, upright=False, least=least)


@lru_cache(maxsize=256)
def _is_squeezed(matrix: Matrix) -> bool:
    a, b, c, d, _, _ = matrix
    return _FLAT < abs(a * d - b * c) / (norm(matrix) ** 2 or 1) < _SQUEEZED


def are_narrow(operators: bytes) -> list[bool]:
    """Whether letters are narrow, after each of *operators* that chooses how wide they are."""
    return [0 < abs(each[0]) < _NARROWEST for each in given(operators, b"Tz", 1)] if b"Tz" in operators else []


def require_plain_size(size: float) -> None:
    """Raises :class:`TooFar` for a font size in which PDFium shows nothing, however large the matrix."""
    if 0 < abs(size) < _SMALLEST_SIZE:
        raise TooFar("small letters")


def require_plain_matrix(matrix: Matrix, limits: Limits) -> None:
    """Raises :class:`TooFar` for one whose origin is nowhere near."""
    if max(abs(matrix[4]), abs(matrix[5]), norm(matrix)) > limits.room * _FAR:
        raise TooFar("a matrix")


def require_near_image(matrix: Matrix, limits: Limits) -> None:
    """Raises :class:`TooFar` when a picture reaches too far under *matrix*."""
    if norm(matrix) + max(abs(matrix[4]), abs(matrix[5])) > limits.room:
        raise TooFar("a picture")


def given(operators: bytes, name: bytes, count: int) -> list[list[float]]:
    """The last *count* numbers before each operator *name* in *operators*, which have no comments and strings."""
    return [[*map(float, each.rsplit(None, count)[-count:])] for each in operators.split(name)[:-1]]


def largest(operators: bytes, name: bytes, before: float) -> float:
    """The largest number that is given to *name*, or *before*."""
    return max(before, *(abs(each[0]) for each in given(operators, name, 1)), 0.0) if name in operators else before


def widest(operators: bytes, before: float) -> float:
    """The widest line in *operators*; the one from *before* counts where it is drawn before another is chosen."""
    head, chosen, _ = operators.partition(b"w")
    return largest(operators, b"w", before if not chosen or _STROKE.search(head) else 0.0)


def require_near(operators: bytes, state: PathState, limits: Limits) -> None:
    """Raises :class:`TooFar` when *operators*, paths and states, draw too far away."""
    most, flat, long = _bounds(state.matrix, limits.room)
    if flat and operators.strip():
        raise TooFar("a matrix without an inverse")
    if state.width * most > limits.room and _STROKE.search(operators):
        raise TooFar("a wide line")
    if _has_long(operators, long):
        path = _Path(state, limits)
        for name, numbers in operations(operators):
            path.add(name, numbers)
        if path.far:
            raise TooFar("a far path that others interrupt")


class _Path:
    """A path in the units of its stream. Of what is ``far``, all programs draw upright lines alike."""

    def __init__(self, state: PathState, limits: Limits) -> None:
        self._state, self._room = state, limits.room
        self._upright = limits.upright and is_upright(state.matrix)
        self._start = self._last = (0.0, 0.0)
        self.far = False

    def add(self, name: bytes, numbers: Sequence[float]) -> None:
        """One operator. Raises :class:`TooFar`."""
        if name == b"re":
            x, y, width, height = numbers
            self.add(b"m", (x, y))
            for corner in ((x + width, y), (x + width, y + height), (x, y + height), (x, y)):
                self.add(b"l", corner)
        elif name in _POINTS:
            points = [place(self._state.matrix, *each) for each in zip(numbers[::2], numbers[1::2], strict=True)]
            if name == b"m":
                self._close()
                self._start = self._last = points[0]
                self.far |= self._is_far(points[0])
            for point in points:
                self._require_upright(point, curved=name not in (b"l", b"m"))
        elif name in _CLOSING:
            self._close()
        if name in STROKES and self.far and self._state.dashed:
            raise TooFar("dashes")
        if name in _ENDS:
            self.far = False

    def _close(self) -> None:
        self._require_upright(self._start, curved=False)

    def _is_far(self, point: tuple[float, float]) -> bool:
        return max(map(abs, point)) > self._room

    def _require_upright(self, point: tuple[float, float], *, curved: bool) -> None:
        last, self._last = self._last, point
        if not self._is_far(point) and not self._is_far(last):
            return
        self.far = True
        slack = self._room * _SLACK
        upright = self._upright and min(abs(last[0] - point[0]), abs(last[1] - point[1])) <= slack
        if curved or not upright or max(map(abs, point)) > self._room * _FAR:
            raise TooFar("a path")


@lru_cache(maxsize=256)
def _bounds(matrix: Matrix, room: float) -> tuple[float, bool, int]:
    """By how much *matrix* lengthens, whether it has no inverse, and how many digits numbers have that may lead
    out of the room."""
    most = norm(matrix)
    near = (room - max(abs(matrix[4]), abs(matrix[5]))) / (2 * most or 1)  # twice: a rectangle is a sum
    return most, is_flat(matrix), len(str(int(min(near, _LARGEST)))) if near >= 1 else 0


def _has_long(operators: bytes, digits: int) -> bool:
    """Whether there is a number of so many *digits* before its point; always, for none."""
    if b"0" * digits not in operators.translate(_ZEROS):
        return False
    return not digits or re.search(rb"(?<![\d.])\d{%d}" % digits, operators) is not None
