"""Copies for reading: the reader's name lies across every page, faint enough to read what is under it.

A copy is not the document: its bytes are others, and nobody signs them.
"""

from __future__ import annotations

import math
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, pdf_name

from appliance.pdf import geometry
from appliance.pdf.font_subsets import FontSubset, GlyphLine
from appliance.pdf.geometry import PageFrame
from appliance.pdf.incremental_updates import IncrementalUpdate, compressed, dictionary
from appliance.pdf.typefaces import Typeface

_COSINE, _SINE = math.cos(math.radians(30)), math.sin(math.radians(30))
_ROWS = (0.2, 0.5, 0.8)
"""Where the middles of the lines are, in shares of the page's height."""

_SHARE = 0.94
"""Of the room on the page that a line of text takes at most."""

_LARGEST = 24.0
"""Points of the letters of a short line."""

_INK = "/VermilionInk gs 0.72 0.2 0.1 rg"
_OPACITY = 0.16


def watermark(document: bytes, text: str, typeface: Typeface, *, most_pages: int) -> bytes:
    """The bytes to append to *document*: *text* across every page, three times. Characters that the *typeface*
    lacks are left out."""
    revision = IncrementalUpdate(document)
    subset = FontSubset(typeface)
    line = subset.line("".join(each for each in text if typeface.font.get_nominal_glyph(ord(each))))
    ink = revision.add_object(dictionary(Type="/ExtGState", ca=_OPACITY))
    resources = dictionary(Font={"VermilionText": subset.embed(revision)}, ExtGState={"VermilionInk": ink})
    marks: dict[PageFrame, Any] = {}
    around = tuple(revision.add_object(compressed(each)) for each in (b"q ", b" Q "))
    for number, page in enumerate(geometry.pages(revision.root, most=most_pages)):
        frame = geometry.frame(page.get_object())
        if frame not in marks:
            marks[frame] = revision.add_object(_mark(line, frame, resources))
        put_over(revision, page.get_object(), f"VermilionMark{number}", marks[frame], around)
    return revision.appended()


def _mark(line: GlyphLine, frame: PageFrame, resources: DictionaryObject) -> Any:
    """The lines as a form, in the coordinates of the page as it is seen."""
    seen, unit = frame.seen(), frame.user_unit
    width, height = seen.width / unit, seen.height / unit
    size = min(_LARGEST, _SHARE * min(width / _COSINE, 2 * _ROWS[0] * height / _SINE) / max(line.width / 1000, 1))
    long = line.width / 1000 * size
    rows = [b"q " + _INK.encode()]
    for share in _ROWS:
        x, y = width / 2 - _COSINE * long / 2, height * share - _SINE * long / 2
        matrix = f"{_COSINE:.4f} {_SINE:.4f} {-_SINE:.4f} {_COSINE:.4f} {x:.2f} {y:.2f} Tm"
        rows.append(f"BT /VermilionText {size:.2f} Tf {matrix} ".encode() + line.shown() + b" Tj ET")
    form = compressed(b"\n".join([*rows, b"Q"]))
    box, matrix_of_page = [0, 0, width, height], turned(frame)
    form.update(dictionary(Type="/XObject", Subtype="/Form", BBox=box, Matrix=matrix_of_page, Resources=resources))
    return form


def turned(frame: PageFrame) -> list[float]:
    """From the page as it is seen, from its lower left corner, to the page's own coordinates (8.3.3)."""
    left, bottom, right, top = frame.box
    return {
        0: [1, 0, 0, 1, left, bottom],
        90: [0, 1, -1, 0, right, bottom],
        180: [-1, 0, 0, -1, right, top],
        270: [0, -1, 1, 0, left, top],
    }[frame.rotation]


def put_over(revision: IncrementalUpdate, page: Any, name: str, mark: Any, around: tuple[Any, ...]) -> None:
    """Draws *mark* over what *page* has, whatever state its own contents leave behind."""
    painted = revision.add_object(compressed(f"q /{name} Do Q".encode()))
    contents = page.get("/Contents", None)
    own: list[Any] = []
    if isinstance(contents, ArrayObject):
        own = [contents.raw_get(place) for place in range(len(contents))]
    elif contents is not None:
        own = [page.raw_get("/Contents")]
    page[pdf_name("/Contents")] = ArrayObject([around[0], *own, around[1], painted])
    resources = _copied(geometry.inherited(page, "/Resources"))
    objects = _copied(resources.get("/XObject", None))
    objects[NameObject(f"/{name}")] = mark
    resources[pdf_name("/XObject")] = objects
    page[pdf_name("/Resources")] = resources
    revision.update_container(page)


def _copied(entries: Any) -> DictionaryObject:
    """The same entries in a dictionary of this page alone, for others may share theirs."""
    return DictionaryObject({key: entries.raw_get(key) for key in entries or ()})
