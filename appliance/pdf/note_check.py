"""Notes, drawings and fields on a page that have a second look: under the mouse, later, or in another program."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, FloatObject, NumberObject, StreamObject

from appliance.errors import DocumentRefused
from appliance.pdf import geometry
from appliance.pdf.reader import entry

_TOGGLES = 1 << 8
_WITHOUT_PICTURE = frozenset({"/Stamp", "/FreeText", "/Line", "/Polygon", "/PolyLine", "/Caret", "/Watermark"})
"""Notes that programs draw of themselves where they have no picture, each in its way, and PDFium not at all."""
_BORDER_WIDTH, _WIDEST_BORDER = 2, 3


def refuse_second_look(annotation: Any) -> None:
    """Raise DocumentRefused for a note, drawing or field that could look different later, or elsewhere."""
    kind, pictures = str(entry(annotation, "/Subtype", "")), entry(annotation, "/AP")
    flags = entry(annotation, "/F", 0)
    if kind == "/Redact":
        raise DocumentRefused(
            "pending-redaction",
            "The document has passages that are marked for removal and still there; remove them for good first.",
        )
    field = geometry.inherited(annotation, "/FT") if kind == "/Widget" else None
    button = field == "/Btn"
    rolls = isinstance(pictures, DictionaryObject) and not button and ("/R" in pictures or "/D" in pictures)
    if rolls or (isinstance(flags, int) and flags & _TOGGLES):
        raise DocumentRefused(
            "second-look",
            "The document has a note or field ({kind}) that looks different under the mouse; print it to a new "
            "PDF first.",
            kind=kind.lstrip("/"),
        )
    if _is_drawn_by_programs(annotation, kind, field, pictures):
        raise DocumentRefused(
            "second-look",
            "The document has a note, drawing or field ({kind}) that some programs draw and others do not; "
            "print it to a new PDF first.",
            kind=kind.lstrip("/"),
        )


def _is_drawn_by_programs(annotation: Any, kind: str, field: Any, pictures: Any) -> bool:
    """Whether some programs draw a note that has no picture, or choose one of its states, and PDFium does not; or
    a link whose border is no thin frame, which PDFium never draws."""
    if kind == "/Link":
        return _has_bar(annotation)
    normal = entry(pictures, "/N") if isinstance(pictures, DictionaryObject) else None
    if isinstance(normal, StreamObject) or field == "/Btn":
        return False
    if isinstance(normal, DictionaryObject):
        return not isinstance(entry(normal, str(entry(annotation, "/AS", ""))), StreamObject)
    colours = entry(annotation, "/MK")
    painted = isinstance(colours, DictionaryObject) and any(key in colours for key in ("/BG", "/BC"))
    return kind in _WITHOUT_PICTURE or (field == "/Sig" and painted)


def _has_bar(link: Any) -> bool:
    """Whether the border of *link* is so wide, or it so flat, that it could hide words or strike them out."""
    style, border = entry(link, "/BS"), entry(link, "/Border")
    width: Any = border[2] if isinstance(border, ArrayObject) and len(border) > _BORDER_WIDTH else 1
    width = entry(style, "/W", 1) if isinstance(style, DictionaryObject) else width
    box = geometry.box(entry(link, "/Rect"))
    if not isinstance(width, NumberObject | FloatObject | int) or box is None:
        return True
    return width > _WIDEST_BORDER or min(box[2] - box[0], box[3] - box[1]) < 2 * float(width)
