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
    NumberObject,
    TextStringObject,
)

from appliance.pdf import geometry
from appliance.pdf.one_reading import two_readings
from appliance.pdf.reader import entry

_NAMES = ("/Type", "/Subtype", "/S", "/FT", "/AS", "/BM", "/Filter")
_TRANSFER = ("/TR", "/TR2")


def require_plain_values(dictionary: Any) -> None:
    """Raises DocumentRefused where programs may take a value of *dictionary* for different things."""
    if any(isinstance(each, TextStringObject | ByteStringObject) for each in _named(dictionary)):
        raise two_readings()
    if "/Rect" in dictionary and "/Subtype" in dictionary:
        _require_plain_note(dictionary)
    modes = entry(dictionary, "/BM")
    if isinstance(modes, ArrayObject) and len(modes) != 1:
        raise two_readings()  # programs take the first, or the first that they know
    if "/G" not in dictionary and any(isinstance(entry(dictionary, each), DictionaryObject) for each in _TRANSFER):
        raise two_readings()  # a transfer function, outside of a mask: MuPDF applies it, PDFium does not


def _named(dictionary: Any) -> Iterator[Any]:
    for key in _NAMES:
        value = entry(dictionary, key)
        yield value
        if isinstance(value, ArrayObject):
            yield from (value[index] for index in range(len(value)))


def _require_plain_note(note: Any) -> None:
    """Its flags are a whole number, its place four numbers; its window has no picture, for Poppler shows it."""
    if (
        not isinstance(entry(note, "/F", NumberObject(0)), NumberObject)
        or geometry.box(entry(note, "/Rect")) is None
    ):
        raise two_readings()
    if entry(note, "/Subtype") == "/Popup" and "/AP" in note:
        raise two_readings()
