"""Notes, drawings and fields on a page that have a second look: under the mouse, later, or in another program."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, FloatObject, NumberObject, StreamObject

from appliance.errors import DocumentRefused
from appliance.pdf import geometry
from appliance.pdf.reader import entry

_TOGGLES = 1 << 8
_WITHOUT_PICTURE = frozenset(
    {"/Stamp", "/FreeText", "/Line", "/Polygon", "/PolyLine", "/Caret", "/Watermark", "/FileAttachment"}
)
"""Notes that programs draw of themselves where they have no picture, each in its way, and PDFium not at all."""
_BORDER_WIDTH, _WIDEST_BORDER = 2, 3
_LEAST_WIDTHS = 4
"""Of its border has a link at least, across: twice as much is within as under the border."""
_HIDDEN, _PRINTED = 1 << 1, 1 << 2
_NEVER_PRINTED = frozenset({"/Link", "/Popup"})


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
    if isinstance(normal, StreamObject):
        return False
    if pictures is not None and not isinstance(normal, DictionaryObject):
        return True  # for some programs it has a picture, which is empty; others draw it
    if field == "/Btn":
        return False
    if isinstance(normal, DictionaryObject):
        return not isinstance(entry(normal, str(entry(annotation, "/AS", ""))), StreamObject)
    colours = entry(annotation, "/MK")
    painted = isinstance(colours, DictionaryObject) and any(key in colours for key in ("/BG", "/BC"))
    return kind in _WITHOUT_PICTURE or (field == "/Sig" and painted)


def _has_bar(link: Any) -> bool:
    """Whether the border of *link* is so wide, or it so flat, that it could hide words or strike them out."""
    width, box = _frame_width(link), geometry.box(entry(link, "/Rect"))
    if width is None or box is None:
        return True
    return width > _WIDEST_BORDER or min(box[2] - box[0], box[3] - box[1]) < _LEAST_WIDTHS * width


def _frame_width(link: Any) -> float | None:
    """The width of the border of *link*; None for one that cannot be read."""
    style, border = entry(link, "/BS"), entry(link, "/Border")
    width: Any = border[2] if isinstance(border, ArrayObject) and len(border) > _BORDER_WIDTH else 1
    width = entry(style, "/W", 1) if isinstance(style, DictionaryObject) else width
    return float(width) if isinstance(width, NumberObject | FloatObject | int) else None


def has_frame(link: Any) -> bool:
    """Whether other programs than PDFium draw a frame around this annotation, a link."""
    return entry(link, "/Subtype") == "/Link" and _frame_width(link) != 0


def is_on_screen_only(annotation: Any) -> bool:
    """Whether a note, drawing or field with something to show is not printed (12.5.3)."""
    flags, kind, box = (
        entry(annotation, "/F", 0),
        entry(annotation, "/Subtype"),
        geometry.box(entry(annotation, "/Rect")),
    )
    noted = kind is not None and kind not in _NEVER_PRINTED
    shown = noted and box is not None and box[0] < box[2] and box[1] < box[3]
    return shown and isinstance(flags, int) and not flags & (_PRINTED | _HIDDEN)
