"""Charts as the server draws them: values in, the shapes of an SVG and the words beside it out.

The drawing is a box of 1000 by 100 units that the page stretches; words stand beside it as text, so that they keep
their size. Nothing here knows of Flask, languages or colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 100
LINES = 2
"""Steps of the scale: three numbers beside the drawing."""

Values = Sequence[float | None]
"""One value for each step of time; None where nothing is known."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high`` in equal ``marks``, the highest first."""

    low: float
    high: float

    @property
    def marks(self) -> tuple[float, ...]:
        """The numbers beside the drawing, from the top down."""
        step = (self.high - self.low) / LINES
        return tuple(self.high - step * number for number in range(LINES + 1))

    def y(self, value: float) -> float:
        """Where *value* is, in units from the top."""
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 2)


def scale_of(*curves: Values, least: float = 0.0) -> Scale:
    """A scale of round numbers that holds all values and nought; *least* is the smallest height that it has."""
    known = [value for values in curves for value in values if value is not None]
    top, bottom = max([*known, least, 0.0]), min([*known, 0.0])
    step = _round_up(max(top - bottom, 1e-9) / LINES)
    low = -step * math.ceil(round(-bottom / step, 9)) if bottom < 0 else 0.0
    high = low + step * LINES
    while high < top:
        step = _round_up(step * 1.01)
        low = -step * math.ceil(round(-bottom / step, 9)) if bottom < 0 else 0.0
        high = low + step * LINES
    return Scale(low, high)


def bars(values: Values, scale: Scale) -> str:
    """The path of one bar for each known value that is not nought, with a gap between neighbours."""
    step = WIDTH / max(len(values), 1)
    gap = min(step * 0.25, 6.0)
    base = scale.y(0)
    return "".join(
        f"M{number * step + gap / 2:.2f} {base:g}V{scale.y(value):g}h{step - gap:.2f}V{base:g}z"
        for number, value in enumerate(values)
        if value
    )


def line(values: Values, scale: Scale) -> str:
    """The path through all known values, in the middle of their steps; broken where nothing is known."""
    step = WIDTH / max(len(values), 1)
    drawn: list[str] = []
    pen = "M"
    for number, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{(number + 0.5) * step:.2f} {scale.y(value):g}")
        if pen == "M":
            drawn.append("h0.01")  # a value alone would have no length to be seen
        pen = "L"
    return "".join(drawn)


def area(values: Values, scale: Scale) -> str:
    """The path of what lies between the line and nought, for each stretch that is known."""
    step, base = WIDTH / max(len(values), 1), f"{scale.y(0):g}"
    drawn: list[str] = []
    inside = False
    for number, value in enumerate([*values, None]):
        if value is None:
            drawn.append(f"V{base}z" if inside else "")
        else:
            x, y = f"{(number + 0.5) * step:.2f}", f"{scale.y(value):g}"
            drawn.append(f"L{x} {y}" if inside else f"M{x} {base}V{y}")
        inside = value is not None
    return "".join(drawn)


def grid(scale: Scale) -> str:
    """The path of the lines that the scale's numbers stand beside."""
    return "".join(f"M0 {scale.y(mark):g}H{WIDTH}" for mark in scale.marks)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(nice * power for nice in (1, 2, 5, 10) if nice * power >= value * (1 - 1e-9))
