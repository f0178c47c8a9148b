"""From the page as people see it to the page's own coordinates (ISO 32000-2, 7.7.3.3, 8.3.2.3, 14.11.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.errors import DocumentRefused
from appliance.model.contract import Placement
from appliance.pdf.reader import entry
from appliance.pdf.values import PageSize

Box = tuple[float, float, float, float]
Matrix = tuple[int, int, int, int, int, int]

LETTER: Box = (0.0, 0.0, 612.0, 792.0)
DEEPEST_TREE = 64

UPRIGHT: dict[int, Matrix] = {
    0: (1, 0, 0, 1, 0, 0),
    90: (0, 1, -1, 0, 0, 0),
    180: (-1, 0, 0, -1, 0, 0),
    270: (0, -1, 1, 0, 0, 0),
}
"""The form matrix by which an appearance stands upright on a page with that /Rotate (12.5.5: only the turn counts,
the viewer fits the turned box into /Rect)."""


@dataclass(frozen=True, slots=True)
class PageFrame:
    """A page's visible box in user space, its clockwise turn in degrees, and points per user unit."""

    box: Box
    rotation: int
    user_unit: float

    def seen(self) -> PageSize:
        """The size as seen, in points."""
        width, height = self._extent()
        return PageSize(round(width * self.user_unit, 3), round(height * self.user_unit, 3), self.rotation)

    def rectangle(self, placement: Placement) -> Box:
        """*placement* as /Rect: lower left and upper right corner in user space."""
        width, height = self._extent()
        left, top = placement.x / 100 * width, placement.y / 100 * height
        corners = (
            self._point(left, top),
            self._point(left + placement.width / 100 * width, top + placement.height / 100 * height),
        )
        (x0, x1), (y0, y1) = (sorted(axis) for axis in zip(*corners, strict=True))
        return round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3)

    def _extent(self) -> tuple[float, float]:
        x0, y0, x1, y1 = self.box
        return (y1 - y0, x1 - x0) if self.rotation in (90, 270) else (x1 - x0, y1 - y0)

    def _point(self, right: float, down: float) -> tuple[float, float]:
        """The user-space point that is seen *right* and *down* of the upper left corner."""
        x0, y0, x1, y1 = self.box
        return {
            0: (x0 + right, y1 - down),
            90: (x0 + down, y0 + right),
            180: (x1 - right, y0 + down),
            270: (x1 - down, y1 - right),
        }[self.rotation]


def frame(page: Any) -> PageFrame:
    """The frame of a page dictionary, inherited attributes included. Raises DocumentRefused for nonsense boxes."""
    media = box(inherited(page, "/MediaBox")) or LETTER
    crop = box(inherited(page, "/CropBox")) or media
    visible = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    chosen = visible if visible[0] < visible[2] and visible[1] < visible[3] else media
    if chosen[0] >= chosen[2] or chosen[1] >= chosen[3]:
        raise DocumentRefused("malformed", "A page has no area; save the document again with another program.")
    rotation = inherited(page, "/Rotate")
    turn = int(rotation) % 360 if isinstance(rotation, int | float) else 0
    unit = entry(page, "/UserUnit", 1)
    return PageFrame(chosen, turn - turn % 90, float(unit) if isinstance(unit, int | float) and unit > 0 else 1.0)


def pages(root: Any, *, most: int) -> Iterator[Any]:
    """Every page's reference in order, walking the tree once. Raises DocumentRefused beyond *most* pages, for
    circles, and for a tree nested too deeply."""
    stack = [iter([root.raw_get("/Pages")])]
    visited: set[int] = set()
    count = 0
    while stack:
        reference = next(stack[-1], None)
        if reference is None:
            stack.pop()
            continue
        node = reference.get_object()
        if id(node) in visited or len(stack) > DEEPEST_TREE:
            raise DocumentRefused("malformed", "The page tree is circular or nested too deeply.")
        visited.add(id(node))
        kids = entry(node, "/Kids")
        if kids is not None:
            stack.append(iter([kids.raw_get(index) for index in range(len(kids))]))
            continue
        count += 1
        if count > most:
            raise DocumentRefused("too-many-pages", "The document has more than {most} pages.", most=most)
        yield reference


def inherited(page: Any, key: str) -> Any:
    """The value of *key* in a page or field, or in the nearest of its parents that has it; None when none has."""
    node = page
    for _ in range(DEEPEST_TREE):
        if entry(node, key) is not None:
            return node[key]
        node = entry(node, "/Parent")
        if node is None:
            return None
    raise DocumentRefused("malformed", "The page tree is circular or nested too deeply.")


def box(value: Any) -> Box | None:
    """A rectangle array as lower left and upper right corner, or None."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [float(value[index]) for index in range(4)]
    x0, x1 = sorted((numbers[0], numbers[2]))
    y0, y1 = sorted((numbers[1], numbers[3]))
    return x0, y0, x1, y1
