"""A document code on the last page of a contract that is about to be sent: the code, and a QR code (ISO/IEC 18004)
of the address of its page, where the page is blank.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import segno

from appliance.model.contract import Placement
from appliance.pdf import geometry, pages
from appliance.pdf.font_subsets import FontSubset
from appliance.pdf.geometry import PageFrame
from appliance.pdf.incremental_updates import IncrementalUpdate, compressed, dictionary
from appliance.pdf.typefaces import Typeface
from appliance.pdf.values import CodeMark
from appliance.pdf.watermark import put_over, turned

_SIDE, _WIDTH, _HEIGHT, _MARGIN = 42.0, 128.0, 46.0, 20.0
"""Points: the QR code's side, 15 mm, quiet zone included; what the mark takes; how far it stays from the edges."""
_QUIET = 4
_SIZE, _LEADING = 7.5, 11.0


def put_code(
    revision: IncrementalUpdate,
    document: bytes,
    last: tuple[int, Any],
    mark: CodeMark,
    typeface: Typeface,
    taken: Iterable[Placement],
) -> None:
    """Draws *mark* on the *last* page (its number from 0, and its reference), in a corner or in the middle of an
    edge where *document* shows nothing and none of the *taken* places is; nothing where there is no such place."""
    number, reference = last
    frame = geometry.frame(reference.get_object())
    place = _blank_place(document, number, frame, [each for each in taken if each.page == number])
    if place is not None:
        around = tuple(revision.add_object(compressed(each)) for each in (b"q ", b" Q "))
        form = revision.add_object(_drawn(revision, frame, mark, typeface, place))
        # by a name that nobody can know before, or the document's own contents could draw it, too
        put_over(revision, reference.get_object(), f"Vermilion{mark.code}", form, around)


def _blank_place(document: bytes, number: int, frame: PageFrame, taken: list[Placement]) -> Placement | None:
    seen = frame.seen()
    if seen.width < _WIDTH + 2 * _MARGIN or seen.height < _HEIGHT + 2 * _MARGIN:
        return None
    across = [seen.width - _WIDTH - _MARGIN, _MARGIN, (seen.width - _WIDTH) / 2]
    found = [
        Placement(
            number,
            left / seen.width * 100,
            top / seen.height * 100,
            _WIDTH / seen.width * 100,
            _HEIGHT / seen.height * 100,
        )
        for top in (seen.height - _HEIGHT - _MARGIN, _MARGIN)
        for left in across
    ]
    boxes = [(each.x, each.y, each.width, each.height) for each in found]
    blank = zip(found, pages.blank_places(document, number, boxes), strict=True)
    return next((each for each, empty in blank if empty and not any(_meet(each, other) for other in taken)), None)


def _meet(one: Placement, other: Placement) -> bool:
    apart = (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )
    return not apart


def _drawn(
    revision: IncrementalUpdate, frame: PageFrame, mark: CodeMark, typeface: Typeface, place: Placement
) -> Any:
    """The mark as a form in the coordinates of the page as it is seen."""
    seen, unit = frame.seen(), frame.user_unit
    subset = FontSubset(typeface)
    lines = [subset.line(each) for each in (mark.label, mark.code)]
    scale = 1 / unit
    left, bottom = place.x / 100 * seen.width, seen.height * (1 - (place.y + place.height) / 100)
    parts = [
        f"q {scale:.6f} 0 0 {scale:.6f} {left * scale:.3f} {bottom * scale:.3f} cm 0 g".encode(),
        _modules(mark),
    ]
    for row, line in enumerate(lines):
        size = min(_SIZE, (_WIDTH - _SIDE - 4) / max(line.width / 1000, 1))
        baseline = _SIDE / 2 + 3 - _LEADING * row
        start = f"BT /VermilionText {size:.2f} Tf 1 0 0 1 {_SIDE:.2f} {baseline:.2f} Tm "
        parts.append(start.encode() + line.shown() + b" Tj ET")
    form = compressed(b"\n".join([*parts, b"Q"]))
    box = [0, 0, seen.width / unit, seen.height / unit]
    resources = dictionary(Font={"VermilionText": subset.embed(revision)})
    form.update(dictionary(Type="/XObject", Subtype="/Form", BBox=box, Matrix=turned(frame), Resources=resources))
    return form


def _modules(mark: CodeMark) -> bytes:
    """The QR code as rectangles, runs of dark modules together."""
    matrix = [bytes(row) for row in segno.make(mark.address, error="m", micro=False).matrix]
    module = _SIDE / (len(matrix) + 2 * _QUIET)
    found = []
    for down, row in enumerate(matrix):
        across = 0
        while across < len(row):
            length = len(row[across:]) - len(row[across:].lstrip(b"\x01"))
            if length:
                x, y = (across + _QUIET) * module, (len(matrix) - 1 - down + _QUIET) * module
                found.append(f"{x:.3f} {y:.3f} {length * module:.3f} {module:.3f} re".encode())
            across += max(length, 1)
    return b"\n".join([*found, b"f"])
