"""Lines without length, of which programs draw a square, a dot or nothing (ISO 32000-2, 8.4.3.3 and 8.5.3.2).

The standard has a dot for round caps and nothing for others. PDFium draws a square of the line's width for
projecting caps, and no dot for rectangles and curves without size; Poppler draws as the standard says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

ROUND, PROJECTING = 1, 2
"""Caps of lines, as the operator J names them."""

_WORD = re.compile(rb"%[^\r\n]*+|\[[^\]]*+\]|[^\x00\t\n\x0c\r \[\]%]++")
_OF_NUMBERS = frozenset(b"0123456789+-.")
_SEGMENTS = frozenset((b"l", b"c", b"v", b"y"))
_LONG = b"-"
"""In the place of an operator: the subpath has a length."""

STROKES = frozenset(b"S s B B* b b*".split())
_ENDS = STROKES | frozenset(b"n f f* F".split())
_BETWEEN = _ENDS | frozenset((b"m", b"re", b"h"))
"""Operators after which the next subpath begins."""


@dataclass(slots=True)
class DegenerateLines:
    """What a document has of them: ``caps`` other than butt, whether there are straight ``lines`` and ``curves``
    (rectangles, too) without length where the cap is unknown, and ``dots``: dashes without length."""

    caps: set[int] = field(default_factory=set)
    lines: bool = False
    curves: bool = False
    dots: bool = False

    def add(self, more: DegenerateLines) -> None:
        """What another stream has."""
        self.caps |= more.caps
        self.lines |= more.lines
        self.curves |= more.curves
        self.dots |= more.dots

    def are_alike(self) -> bool:
        """Whether programs draw all of it in the same way."""
        return not (PROJECTING in self.caps and (self.lines or self.dots)) and not (
            ROUND in self.caps and self.curves
        )


def stroked_points(operators: bytes) -> set[bytes]:
    """The last operators (``l``, ``re``, ``c`` …) of the subpaths without length that are stroked in *operators*:
    whole paths, states and matrices, as :data:`appliance.pdf.content_tokens.MANY_ON_PAGE` takes them."""
    found: set[bytes] = set()
    path: set[bytes] = set()
    start, last = (0.0, 0.0), b""
    for name, numbers in operations(operators):
        if name in _SEGMENTS:
            is_point = set(zip(numbers[::2], numbers[1::2], strict=True)) == {start}
            last = name if is_point and last != _LONG else _LONG
            continue
        if name in _BETWEEN:
            path.add(last)
            last = b""
        if name in (b"m", b"re"):
            start = (numbers[0], numbers[1])
        if name == b"re" and not (numbers[2] or numbers[3]):
            path.add(name)
        elif name in _ENDS:
            found |= path if name in STROKES else set()
            path = set()
    return found - {_LONG, b""}


def operations(operators: bytes) -> Iterator[tuple[bytes, list[float]]]:
    """Each operator and the numbers before it, of *operators* without strings and names; arrays are left out."""
    numbers: list[float] = []
    for found in _WORD.finditer(operators):
        word = found[0]
        if word[0] in _OF_NUMBERS:
            numbers.append(float(word))
        elif word[:1] not in b"%[":
            yield word, numbers
            numbers = []
