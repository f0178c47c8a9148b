"""What is shown now and could be switched to something else after signing, by a small change or by none at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, StreamObject
from pyhanko.pdf_utils.misc import PdfError

from appliance.errors import DocumentRefused
from appliance.pdf import geometry
from appliance.pdf.reader import entry
from appliance.pdf.values import InspectionWarning

_WAITING_UNDER = ("/Contents", "/Kids", "/Annots", "/AP", "/N")
_HIDING_POLICIES = frozenset({"/AllOff", "/AnyOff"})
_TOGGLES = 1 << 8
_PASSWORD = 1 << 13
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\)\s*(?:Tj|'|\")")
_LITERAL = re.compile(r"[^0-9A-Za-z]")


def refuse_waiting(dictionary: Any) -> None:
    """Raise DocumentRefused when a page or a note is made of an object that is not there yet."""
    for key in _WAITING_UNDER:
        if key in dictionary and any(_is_missing(each) for each in _references(dictionary.raw_get(key))):
            raise DocumentRefused(
                "waiting-content",
                "A page of the document refers to a part that is missing and could be added after signing; "
                "save it again, or print it to a new PDF first.",
            )


def refuse_switches(dictionary: Any) -> None:
    """Raise DocumentRefused for pictures, layers and notes with a second look."""
    if _name(dictionary, "/Type") == "/OCMD" and (
        _name(dictionary, "/P") in _HIDING_POLICIES or "/VE" in dictionary
    ):
        raise DocumentRefused(
            "optional-content", "The document has content that shows when a layer is hidden; flatten it first."
        )
    if isinstance(dictionary, StreamObject) and _name(dictionary, "/Type") in ("/XObject", ""):
        _refuse_second_picture(dictionary)
    if "/Rect" in dictionary and "/Subtype" in dictionary:
        _refuse_second_look(dictionary)


def refuse_disagreeing(dictionary: Any) -> None:
    """Raise DocumentRefused for a text field that shows something else than its value: readers draw it anew from
    the value, some of them already at a click. Looked at as far as both are plain letters and digits."""
    if entry(dictionary, "/FT") != "/Tx":
        return
    value, pictures, flags = (entry(dictionary, key) for key in ("/V", "/AP", "/Ff"))
    if not isinstance(value, str) or not value.isascii() or not isinstance(pictures, DictionaryObject):
        return
    shown, stated = _text_of(entry(pictures, "/N")), _LITERAL.sub("", value)
    if not shown or not stated or (isinstance(flags, int) and flags & _PASSWORD):
        return
    if shown not in stated and stated not in shown:
        raise DocumentRefused(
            "field-disagrees",
            "The form field {field} shows something else than it holds, and would look different when it is drawn "
            "anew; correct the field, or print it to a new PDF first.",
            field=str(entry(dictionary, "/T", "?")),
        )


def refuse_unreferenced(spare: int) -> None:
    """Raise DocumentRefused when *spare* pages or page lists lie in the file, ready to take others' place."""
    if spare:
        raise DocumentRefused(
            "unreferenced-pages",
            "The file contains pages or page lists that are not part of the document ({count}) and could"
            " be put in place of others; save it as a new file, or print it to a new PDF first.",
            count=spare,
        )


def layers(root: Any) -> Iterator[InspectionWarning]:
    """Optional content (8.11): refused when anything is off, differs between screen and paper, or has other
    settings to choose from; otherwise a warning."""
    properties = entry(root, "/OCProperties")
    groups = entry(properties, "/OCGs") if isinstance(properties, DictionaryObject) else None
    if not isinstance(groups, ArrayObject) or not len(groups):
        return
    default = entry(properties, "/D")
    switched = isinstance(default, DictionaryObject) and (
        entry(default, "/BaseState", "/ON") != "/ON"
        or any(entry(default, key) for key in ("/OFF", "/AS", "/RBGroups"))
    )
    if switched or entry(properties, "/Configs"):
        raise DocumentRefused(
            "optional-content",
            "The document has layers that are hidden, or shown only on screen or only on paper; flatten it first.",
        )
    yield InspectionWarning("layers", "The document has layers ({count}), all shown.", {"count": len(groups)})


def _refuse_second_picture(stream: Any) -> None:
    """Alternates for paper (8.9.5.4), pages of other files (8.10.4), PostScript (8.8.2)."""
    if any(key in stream for key in ("/Alternates", "/OPI")) or isinstance(
        entry(stream, "/Ref"), DictionaryObject
    ):
        raise DocumentRefused(
            "second-look",
            "The document has a picture that looks different on paper, or comes from another file; print it to a "
            "new PDF first.",
        )
    if _name(stream, "/Subtype") == "/PS" or _name(stream, "/Subtype2") == "/PS":
        raise DocumentRefused(
            "scripted", "A picture in the document is a program for printers; print it to a new PDF first."
        )


def _refuse_second_look(annotation: Any) -> None:
    kind, pictures, flags = _name(annotation, "/Subtype"), entry(annotation, "/AP"), entry(annotation, "/F", 0)
    if kind == "/Redact":
        raise DocumentRefused(
            "pending-redaction",
            "The document has passages that are marked for removal and still there; remove them for good first.",
        )
    button = kind == "/Widget" and geometry.inherited(annotation, "/FT") == "/Btn"
    rolls = isinstance(pictures, DictionaryObject) and not button and ("/R" in pictures or "/D" in pictures)
    if rolls or (isinstance(flags, int) and flags & _TOGGLES):
        raise DocumentRefused(
            "second-look",
            "The document has a note or field ({kind}) that looks different under the mouse; print it to a new "
            "PDF first.",
            kind=kind.lstrip("/"),
        )


def _text_of(stream: Any) -> str:
    """The letters and digits that the appearance writes in plain; empty when they are in a font's own codes."""
    if not isinstance(stream, StreamObject):
        return ""
    found = b"".join(match[1] for match in _SHOWN.finditer(stream.data))
    plain = found.isascii() and b"\\" not in found
    return _LITERAL.sub("", found.decode("ascii")) if plain else ""


def _references(value: Any) -> Iterator[Any]:
    if isinstance(value, IndirectObject):
        yield value
    elif isinstance(value, ArrayObject):
        yield from (each for each in value if isinstance(each, IndirectObject))


def _is_missing(reference: Any) -> bool:
    try:
        return isinstance(reference.get_object(), NullObject)
    except (PdfError, KeyError):
        return True


def _name(dictionary: Any, key: str) -> str:
    value = entry(dictionary, key, "")
    return value if isinstance(value, str) else ""
