"""Where signature fields go when nobody says where: rows of three at the foot of the last page, from below."""

from __future__ import annotations

from appliance.model.contract import PartyKind, Placement

COLUMNS = 3
MARGIN = 5.0
GAP = 2.0
WIDTH = (100 - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
HEIGHT = 9.0
SEAL_HEIGHT = 14.5
"""Room for a seal of 40 mm on A4: 43 mm of 297."""


def default_placement(kind: PartyKind, position: int, pages: int) -> Placement:
    """The place of the party at *position* (from 1) in a document of so many *pages*; all in percent."""
    row, column = divmod(position - 1, COLUMNS)
    height = SEAL_HEIGHT if kind is PartyKind.SEAL else HEIGHT
    return Placement(
        page=pages - 1,
        x=MARGIN + column * (WIDTH + GAP),
        y=max(0.0, 100 - 4.0 - row * (SEAL_HEIGHT + GAP) - height),
        width=WIDTH,
        height=height,
    )
