"""Shapes: closed paths of lines and cubic curves, from geometry or from a typeface, for PDF and for SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import uharfbuzz

from appliance.pdf.typefaces import Typeface

Points = tuple[tuple[float, float], ...]

_ARC = 4 / 3 * math.tan(math.pi / 8)
"""Control-point distance of the cubic that stands for a quarter of the unit circle."""


@dataclass(frozen=True, slots=True)
class Affine:
    """(x, y) → (a x + c y + e, b x + d y + f), as PDF writes matrices (8.3.3)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def apply(self, x: float, y: float) -> tuple[float, float]:
        """The image of one point."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def then(self, after: Affine) -> Affine:
        """First this, then *after*."""
        a, b = after.a * self.a + after.c * self.b, after.b * self.a + after.d * self.b
        c, d = after.a * self.c + after.c * self.d, after.b * self.c + after.d * self.d
        e, f = after.apply(self.e, self.f)
        return Affine(a, b, c, d, e, f)

    def numbers(self) -> str:
        """The six numbers as both PDF and SVG write them."""
        return " ".join(f"{number:.5f}" for number in (self.a, self.b, self.c, self.d, self.e, self.f))

    @staticmethod
    def turned(degrees: float) -> Affine:
        """A counter-clockwise turn around the origin."""
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        return Affine(cosine, sine, -sine, cosine)


@dataclass(frozen=True, slots=True)
class VectorShape:
    """A path and where it stands. Steps: ``m``ove and ``l``ine with one point, ``c``urve with three, ``h`` closes.

    Points stay as they were drawn and the place is a matrix, which every viewer applies for free.
    """

    steps: tuple[tuple[str, Points], ...]
    place: Affine = Affine()

    def moved(self, affine: Affine) -> VectorShape:
        """The shape under *affine*."""
        return VectorShape(self.steps, self.place.then(affine))

    def pdf(self) -> str:
        """Operators (8.5.2) that fill the shape by the even-odd rule in the current colour."""
        path = "\n".join(f"{_numbers(points)}{kind}" for kind, points in self.steps)
        return f"q\n{self.place.numbers()} cm\n{path}\nf*\nQ"

    def svg(self) -> str:
        """An SVG path in a system whose second axis points up, as PDF's does."""
        path = "".join(
            "Z" if kind == "h" else kind.upper() + _numbers(points).rstrip() for kind, points in self.steps
        )
        return f'<path transform="matrix({self.place.numbers()})" d="{path}"/>'


def ring(outer: float, inner: float) -> VectorShape:
    """The area between two circles around the origin."""
    return VectorShape(circle(outer).steps + circle(inner).steps)


def circle(radius: float) -> VectorShape:
    """A circle around the origin."""
    r, k = radius, radius * _ARC
    return VectorShape(
        (
            ("m", ((r, 0.0),)),
            ("c", ((r, k), (k, r), (0.0, r))),
            ("c", ((-k, r), (-r, k), (-r, 0.0))),
            ("c", ((-r, -k), (-k, -r), (0.0, -r))),
            ("c", ((k, -r), (r, -k), (r, 0.0))),
            ("h", ()),
        )
    )


def star(radius: float) -> VectorShape:
    """A five-pointed star around the origin, one point up; inner corners lie on the lines between its points."""
    inner = radius * math.cos(math.radians(72)) / math.cos(math.radians(36))
    corners = [
        (distance * math.cos(angle), distance * math.sin(angle))
        for index in range(10)
        for distance, angle in [(inner if index % 2 else radius, math.radians(90 + 36 * index))]
    ]
    lines = tuple(("l" if index else "m", (corner,)) for index, corner in enumerate(corners))
    return VectorShape((*lines, ("h", ())))


def glyph(typeface: Typeface, number: int) -> VectorShape:
    """A glyph's outline; one em is 1, the origin on the base line at the left."""
    steps: list[tuple[str, Points]] = []
    typeface.font.draw_glyph(number, _DRAWING, steps)
    return VectorShape(tuple(steps), Affine(a=1 / typeface.units, d=1 / typeface.units))


def _numbers(points: Points) -> str:
    # rounded first: neither format knows the exponents that "g" has for tiny numbers
    return "".join([f"{round(x, 4):g} {round(y, 4):g} " for x, y in points])


def _drawing() -> uharfbuzz.DrawFuncs:
    functions = uharfbuzz.DrawFuncs()
    functions.set_move_to_func(lambda x, y, steps: steps.append(("m", ((x, y),))))
    functions.set_line_to_func(lambda x, y, steps: steps.append(("l", ((x, y),))))
    functions.set_cubic_to_func(
        lambda x1, y1, x2, y2, x3, y3, steps: steps.append(("c", ((x1, y1), (x2, y2), (x3, y3))))
    )
    functions.set_close_path_func(lambda steps: steps.append(("h", ())))
    return functions


_DRAWING = _drawing()
