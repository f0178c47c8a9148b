"""A company's round seal, drawn: ring, star, name along the arc, kind below, number along the bottom.

Proportions follow the usual Chinese company seal (40 mm across, star of about 13 mm, ring of 1.2 mm). It is a
picture; what proves anything is the signature that it belongs to. Its shapes are closed paths of lines and cubic
curves, from geometry or from a typeface, written for PDF and for SVG.
"""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass
from html import escape

from fontTools.misc.transform import Identity, Offset, Scale, Transform
from fontTools.pens.recordingPen import RecordingPen

from appliance.pdf.font_subsets import Glyph, set_line
from appliance.pdf.typefaces import Typeface
from appliance.pdf.values import SealAppearance

_RED = (0.80, 0.07, 0.09)
RED = " ".join(f"{part:g}" for part in _RED)
"""As operands of the colour operators (8.6.8)."""

# all in millimetres for a seal of this radius; other sizes are scaled
_RADIUS = 20.0
_RING = 1.2
_STAR_RADIUS = 6.4
_STAR_CENTRE = 0.6
_OVAL = Scale(1, 0.75)  # 40 by 30 mm, as the tax administration has it for invoices
_CAP = 0.86  # how much of the em a Chinese character fills


@dataclass(frozen=True, slots=True)
class _Arc:
    """A line of text on a circle: base line's ``radius``, letter ``height``, ``most`` degrees in all and ``pitch``
    degrees for one em at most; ``inward`` when the heads point to the centre (text along the bottom)."""

    radius: float
    height: float
    most: float
    pitch: float
    inward: bool = False


_NAME = _Arc(radius=13.7, height=4.5, most=262.0, pitch=27.0)
_NUMBER = _Arc(radius=17.9, height=1.7, most=80.0, pitch=7.5, inward=True)


def seal(typeface: Typeface, appearance: SealAppearance) -> list[VectorShape]:
    """The seal's shapes in millimetres around its centre, for a diameter of 40; scale them as needed."""
    edge = ring(_RADIUS, _RADIUS - _RING)
    middle = star(_STAR_RADIUS).moved(Offset(0, _STAR_CENTRE))
    name = _on_arc(typeface, appearance.company, _NAME)
    number = _on_arc(typeface, appearance.number, _NUMBER) if appearance.number else []
    if appearance.is_oval:
        kind = _centred(typeface, appearance.kind, base=-2.4, height=3.9, most=17.0)
        return [shape.moved(_OVAL) for shape in (edge, *name, *kind, *number)]
    kind = _centred(typeface, appearance.kind, base=-12.2, height=3.6, most=19.0) if appearance.kind else []
    return [edge, middle, *name, *kind, *number]


def pdf(typeface: Typeface, appearance: SealAppearance, *, centre: tuple[float, float], diameter: float) -> bytes:
    """Content stream operators that paint the seal, *diameter* wide, around *centre*."""
    scale = diameter / (2 * _RADIUS)
    place = _matrix(Transform(scale, 0, 0, scale, *centre))
    shapes = "\n".join(shape.pdf() for shape in seal(typeface, appearance))
    return f"q\n{RED} rg\n{place} cm\n{shapes}\nQ".encode("ascii")


def svg(typeface: Typeface, appearance: SealAppearance) -> str:
    """The same seal as an SVG document of its true size, for pages and reports."""
    shapes = _image(appearance.picture) if appearance.picture else _shapes(typeface, appearance)
    title = escape(f"{appearance.company} {appearance.kind}".strip())
    size, box = f"{appearance.diameter_mm:g}mm", f"{-_RADIUS:g} {-_RADIUS:g} {2 * _RADIUS:g} {2 * _RADIUS:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="{box}" role="img">'
        f"<title>{title}</title>"
        f"{shapes}</svg>"
    )


def _shapes(typeface: Typeface, appearance: SealAppearance) -> str:
    red = "#" + "".join(f"{round(part * 255):02x}" for part in _RED)
    shapes = "".join(shape.svg() for shape in seal(typeface, appearance))
    return f'<g fill="{red}" fill-rule="evenodd" transform="scale(1 -1)">{shapes}</g>'


def _image(png: bytes) -> str:
    data, box = b64encode(png).decode("ascii"), f'x="{-_RADIUS:g}" y="{-_RADIUS:g}"'
    return f'<image {box} width="{2 * _RADIUS:g}" height="{2 * _RADIUS:g}" href="data:image/png;base64,{data}"/>'


def _on_arc(typeface: Typeface, text: str, arc: _Arc) -> list[VectorShape]:
    """The glyphs of *text* spread along *arc*, centred at the top (at the bottom when inward)."""
    line = set_line(typeface, text)
    per_em = min(arc.pitch, arc.most * 1000 / line.width)
    # letters are narrowed, not made smaller, when many have to stand side by side
    middle = arc.radius + (-0.4 if arc.inward else 0.4) * arc.height
    narrow = min(1.0, math.radians(per_em) * middle / arc.height)
    sign = 1 if arc.inward else -1
    position = -line.width / 2
    shapes = []
    for glyph in line.glyphs:
        degrees = sign * (position + glyph.advance / 2) / 1000 * per_em
        shapes.append(_placed(typeface, glyph, arc, narrow=narrow, degrees=degrees))
        position += glyph.advance
    return shapes


def _placed(typeface: Typeface, glyph: Glyph, arc: _Arc, *, narrow: float, degrees: float) -> VectorShape:
    size = arc.height / _CAP
    across = size * narrow
    base = -arc.radius if arc.inward else arc.radius
    upright = Transform(across, 0, 0, size, -glyph.advance / 2000 * across, base)
    return glyph_shape(typeface, glyph.number).moved(upright).moved(Identity.rotate(math.radians(degrees)))


def _centred(typeface: Typeface, text: str, *, base: float, height: float, most: float) -> list[VectorShape]:
    """*text* on a straight base line, centred, narrowed to at most *most* wide."""
    line = set_line(typeface, text)
    size = height / _CAP
    natural = line.width / 1000 * size
    narrow = min(1.0, most / natural)
    position = -natural * narrow / 2
    shapes = []
    for glyph in line.glyphs:
        place = Transform(size * narrow, 0, 0, size, position, base)
        shapes.append(glyph_shape(typeface, glyph.number).moved(place))
        position += glyph.advance / 1000 * size * narrow
    return shapes


Points = tuple[tuple[float, float], ...]

_ARC = 4 / 3 * math.tan(math.pi / 8)
"""Control-point distance of the cubic that stands for a quarter of the unit circle."""


_OPERATORS = {"moveTo": "m", "lineTo": "l", "curveTo": "c", "closePath": "h"}
"""The operators of PDF for the steps of a glyph."""


@dataclass(frozen=True, slots=True)
class VectorShape:
    """A path and where it stands. Steps: ``m``ove and ``l``ine with one point, ``c``urve with three, ``h`` closes.

    Points stay as they were drawn and the place is a matrix, which every viewer applies for free.
    """

    steps: tuple[tuple[str, Points], ...]
    place: Transform = Identity

    def moved(self, further: Transform) -> VectorShape:
        """The shape, *further* moved by a matrix as PDF writes them (8.3.3)."""
        return VectorShape(self.steps, further.transform(self.place))

    def pdf(self) -> str:
        """Operators (8.5.2) that fill the shape by the even-odd rule in the current colour."""
        path = "\n".join(f"{_numbers(points)}{kind}" for kind, points in self.steps)
        return f"q\n{_matrix(self.place)} cm\n{path}\nf*\nQ"

    def svg(self) -> str:
        """An SVG path in a system whose second axis points up, as PDF's does."""
        path = "".join(
            "Z" if kind == "h" else kind.upper() + _numbers(points).rstrip() for kind, points in self.steps
        )
        return f'<path transform="matrix({_matrix(self.place)})" d="{path}"/>'


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


def glyph_shape(typeface: Typeface, number: int) -> VectorShape:
    """A glyph's outline; one em is 1, the origin on the base line at the left."""
    drawn = RecordingPen()
    typeface.font.draw_glyph_with_pen(number, drawn)
    steps = tuple((_OPERATORS[step], points) for step, points in drawn.value)
    return VectorShape(steps, Scale(1 / typeface.units))


def _matrix(place: Transform) -> str:
    """The six numbers as both PDF and SVG write them."""
    return " ".join(f"{number:.5f}" for number in place)


def _numbers(points: Points) -> str:
    # rounded first: neither format knows the exponents that "g" has for tiny numbers
    return "".join([f"{round(x, 4):g} {round(y, 4):g} " for x, y in points])
