"""Placing by a keyword: a field goes after, below or over the words that were found. Pure arithmetic."""

from __future__ import annotations

from enum import StrEnum

from appliance.model.contract import Placement
from appliance.pdf.values import Found, PageSize

POINTS_PER_MM = 72 / 25.4
ANCHOR_GAP_MM = 2.0
"""Between the words and the field."""


class AnchorSide(StrEnum):
    """Where the field goes, seen from the words."""

    AFTER = "after"
    BELOW = "below"
    OVER = "over"


def place_beside(
    found: Found, side: AnchorSide, page: PageSize, *, width_mm: float, height_mm: float
) -> Placement:
    """The place of a field of that size at *found*, moved as far as is needed to lie inside the page."""
    page_width, page_height = page.width / POINTS_PER_MM, page.height / POINTS_PER_MM
    width, height = min(100.0, 100 * width_mm / page_width), min(100.0, 100 * height_mm / page_height)
    middle_x, middle_y = found.x + found.width / 2, found.y + found.height / 2
    x, y = {
        AnchorSide.AFTER: (found.x + found.width + 100 * ANCHOR_GAP_MM / page_width, middle_y - height / 2),
        AnchorSide.BELOW: (found.x, found.y + found.height + 100 * ANCHOR_GAP_MM / page_height),
        AnchorSide.OVER: (middle_x - width / 2, middle_y - height / 2),
    }[side]
    return Placement(
        found.page,
        round(min(max(x, 0.0), 100 - width), 3),
        round(min(max(y, 0.0), 100 - height), 3),
        round(width, 3),
        round(height, 3),
    )
