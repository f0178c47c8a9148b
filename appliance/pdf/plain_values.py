"""Values that programs read differently where the file gives them another type than the rules of PDF.

PDFium takes a text for a name (``/Subtype (Form)``) and 2.0 for the flags 2, others do not: a form, a note or an
action is one thing to the first and another to the rest. So are values of states of which programs choose one, or
that some of them pass over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    FloatObject,
    NumberObject,
    TextStringObject,
)

from appliance.pdf import geometry
from appliance.pdf.inline_images import NotPlain
from appliance.pdf.one_reading import two_readings
from appliance.pdf.plain_fonts import require_plain_font
from appliance.pdf.plain_paints import require_plain_paint
from appliance.pdf.reader import entry

_NEVER_DRAWN, _ICONS, _LARGEST_ICON = ("/Link", "/Popup"), ("/Text", "/FileAttachment"), 48.0
_INVISIBLE, _NO_ZOOM = 1 << 0, 1 << 3
_NEEDED = {
    **dict.fromkeys(("/Polygon", "/PolyLine"), ("/Vertices", 2)),
    **dict.fromkeys(("/Highlight", "/Underline", "/Squiggly", "/StrikeOut"), ("/QuadPoints", 8)),
    "/FileAttachment": ("/FS", 0),
}
_NAMES = ("/Type", "/Subtype", "/S", "/FT", "/AS", "/BM", "/Filter")


def require_plain_values(dictionary: Any) -> None:
    """Raises DocumentRefused where programs may take a value of *dictionary*, or a colour space, for different
    things."""
    try:
        require_plain_paint(dictionary)
        if "/Subtype" in dictionary:
            require_plain_font(dictionary)
    except NotPlain as error:
        raise two_readings() from error
    if isinstance(dictionary, ArrayObject):
        return
    if any(isinstance(each, TextStringObject | ByteStringObject) for each in _named(dictionary)):
        raise two_readings()
    if "/Rect" in dictionary and "/Subtype" in dictionary:
        _require_plain_note(dictionary)
    modes = entry(dictionary, "/BM")
    if isinstance(modes, ArrayObject) and len(modes) != 1:
        raise two_readings()  # programs take the first, or the first that they know


def _named(dictionary: Any) -> Iterator[Any]:
    for key in _NAMES:
        value = entry(dictionary, key)
        yield value
        if isinstance(value, ArrayObject):
            yield from (value[index] for index in range(len(value)))


def _require_plain_note(note: Any) -> None:
    """Its flags are a whole number, its place four numbers. Of those with a picture, some programs draw that of
    windows and links, of hidden unknown ones, and of those without what their kind has; and icons at one size."""
    if (
        not isinstance(entry(note, "/F", NumberObject(0)), NumberObject)
        or geometry.box(entry(note, "/Rect")) is None
    ):
        raise two_readings()
    kind, flags, box = entry(note, "/Subtype"), entry(note, "/F", 0), geometry.box(entry(note, "/Rect"))
    if box is None or "/AP" not in note:
        return
    small = kind in _ICONS and max(box[2] - box[0], box[3] - box[1]) <= _LARGEST_ICON
    odd = flags & _INVISIBLE or ((flags & _NO_ZOOM or kind in _ICONS) and not small)
    if odd or kind in _NEVER_DRAWN or not _is_whole(note, *_NEEDED.get(kind, ("/Rect", 4))):
        raise two_readings()


def _is_whole(note: Any, key: str, size: int) -> bool:
    """Whether *note* has what Poppler wants to be there before it draws the picture of the note."""
    value = entry(note, key)
    if not isinstance(value, ArrayObject):
        return not size and isinstance(value, DictionaryObject)
    each = [value[index] for index in range(len(value))]
    return (
        bool(each) and len(each) % size == 0 and all(isinstance(one, NumberObject | FloatObject) for one in each)
    )
