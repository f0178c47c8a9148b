"""What the operators of a content stream choose, and q keeps (ISO 32000-2, 8.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyhanko.pdf_utils.generic import ArrayObject

from appliance.pdf.coordinates import UNCHANGED, Matrix
from appliance.pdf.geometry import Box
from appliance.pdf.inline_images import NotPlain
from appliance.pdf.plain_paints import PATTERN
from appliance.pdf.reader import entry

_SHORTEST_DASHES = 0.01
_MOST_DASHES = 32
"""PDFium forgets more, gaps among them."""


class Paint(NamedTuple):
    """How areas or lines are coloured: the ``components`` of the colour space, whether a colour was ever set, and
    whether the space is still without one (``pending``)."""

    components: int = 1
    coloured: bool = False
    pending: bool = False


class GraphicsState(NamedTuple):
    """What q keeps and Q brings back (8.4): the resource that brought the font, and the size of its letters; the
    ends of lines (None: the caller's, in a form), whether dashes have no length (``dots``), and the two colours;
    the matrix, the widest line and the largest leading so far, whether there were dashes, whether letters are not
    drawn (as in scanned documents) or narrow, the box of the clip, how opaque areas and lines are, and whether
    colours may be mixed with those below, or masked."""

    font: tuple[str, bytes] | None = None
    letters: float = 0.0
    cap: int | None = 0
    dots: bool = False
    fill: Paint = Paint()
    stroke: Paint = Paint()
    matrix: Matrix = UNCHANGED
    width: float = 1.0
    leading: float = 0.0
    dashed: bool = False
    hidden: bool = False
    narrow: bool = False
    clip: Box | None = None
    alphas: tuple[float, float] = (1.0, 1.0)
    mixed: bool = False

    def is_pending(self) -> bool:
        """Whether a colour space was chosen without a colour."""
        return self.fill.pending or self.stroke.pending

    def is_lined(self) -> bool:
        """Whether lines are drawn in full."""
        return not (self.dashed or self.alphas[1] != 1 or self.stroke.components <= PATTERN)

    def is_opaque(self) -> bool:
        """Whether areas hide what is below them."""
        return not self.mixed and self.alphas[0] == 1 and self.fill.components > PATTERN


PAINTS = {b"g": Paint(1, coloured=True), b"rg": Paint(3, coloured=True), b"k": Paint(4, coloured=True)}
BLACK = (b"/DeviceGray", b"/DeviceRGB", b"/DeviceCMYK")
"""Whose first colour is the one that was there at the beginning."""
MODES, INVISIBLE = {b"J": 3, b"j": 3, b"Tr": 4}, 3
"""Not what makes letters a clip: where they are empty, Poppler does not clip; where the mode changes before the
end of the text, PDFium does not."""
_NORMAL = ("/Normal", "/Compatible")


def is_mixing(state: Any) -> bool:
    """Whether the resource *state* has colours mixed with those below (11.3.5)."""
    modes = entry(state, "/BM", "/Normal")
    return (modes[0] if isinstance(modes, ArrayObject) and len(modes) else modes) not in _NORMAL


def require_plain_dashes(lengths: Sequence[float], phase: float) -> None:
    """Where dashes repeat themselves, programs agree only about pairs of dash and gap. With a single number, MuPDF
    and Poppler begin within the dash, PDFium and the rules within the gap, once the *phase* is as long."""
    paired = len(lengths) % 2 == 0 or (len(lengths) == 1 and phase < lengths[0])
    if lengths and (
        min(*lengths, phase) < 0 or sum(lengths) < _SHORTEST_DASHES or len(lengths) > _MOST_DASHES or not paired
    ):
        raise NotPlain(f"dashes: {lengths[:9]} {phase}")
