"""Intake: what a document is, and whether a contract can be made of it.

Reasons to refuse: ``not-a-pdf``, ``malformed``, ``bomb``, ``encrypted``, ``no-pages``, ``too-many-pages``,
``ambiguous``, ``two-readings``, ``dynamic-form``, ``portfolio``, ``scripted``, ``media``, ``external-content``,
``hidden-content``, ``optional-content``, ``waiting-content``, ``second-look``, ``pending-redaction``,
``unreferenced-pages``, ``unknown-font``, ``odd-content``, ``field-disagrees``, ``overlapping-fields``,
``certified``, ``locked``; the workshop itself adds ``too-large`` and ``unprocessable``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject

from appliance.errors import DocumentRefused
from appliance.pdf import content_check, forms, geometry, pages
from appliance.pdf.content_streams import require_plain_contents
from appliance.pdf.incremental_updates import malformed, refusing_malformed
from appliance.pdf.note_check import has_frame
from appliance.pdf.object_text import Unreadable
from appliance.pdf.one_reading import require_one_reading, signed_sizes_in, strictly_if_possible, two_readings
from appliance.pdf.reader import PdfReader, entry
from appliance.pdf.values import PDF_HEADER, Inspection, InspectionWarning, PlainRevision, is_pdf

_MOST_COMPARED = 1000
_MOSTLY, _PARTLY = 0.5, 0.25
_NO_OVERLAP = frozenset({"/Link", "/Popup"})


@refusing_malformed()
def inspect(document: bytes, *, most_pages: int) -> Inspection:
    """Read *document* without changing it; raises DocumentRefused with one of the reasons above."""
    _require_beginning(document)
    return strictly_if_possible(document, lambda reader: _inspected(document, reader, most_pages=most_pages))


@refusing_malformed()
def require_plain(document: bytes, *, most_pages: int) -> PlainRevision:
    """What there is to know of *document*, signed or not, which is to be looked at and no more. Raises
    DocumentRefused for active content and for pages on which readers disagree, as :func:`inspect` does."""
    _require_beginning(document)
    return strictly_if_possible(document, lambda reader: _looked_at(document, reader, most_pages=most_pages))


def _require_beginning(document: bytes) -> None:
    if not is_pdf(document):
        raise DocumentRefused("not-a-pdf", "The file is not a PDF.")
    before = document.index(PDF_HEADER)
    if before:  # programs count from the one beginning or from the other
        raise DocumentRefused(
            "malformed",
            "Something else stands before the beginning of the PDF (bytes: {count}). Open it in a PDF program,"
            " save it anew and try again.",
            count=before,
        )


def _looked_at(document: bytes, reader: PdfReader, *, most_pages: int) -> PlainRevision:
    refuse_other_kinds(reader.root)
    found = _pages(reader.root, most_pages)
    warnings = warnings_about(reader, found, fields_may_overlap=True)
    seen = pages.count(document)
    refuse_ambiguous(seen, len(found))
    require_one_reading(document, reader)
    require_plain_contents(found, document)
    return PlainRevision(seen, warnings)


def _inspected(document: bytes, reader: PdfReader, *, most_pages: int) -> Inspection:
    root = reader.root
    refuse_other_kinds(root)
    found = _pages(root, most_pages)
    if not found:
        raise DocumentRefused("no-pages", "The document has no pages.")
    sizes = tuple(geometry.frame(page).seen() for page in found)
    refuse_ambiguous(pages.count(document), len(found))
    forms.refuse_if_locked(root)
    warnings = warnings_about(reader, found)
    extents = require_one_reading(document, reader)
    try:  # it could be signed at another place than the one that is shown
        signed_sizes_in(document, reader, extents)
    except Unreadable as error:
        raise two_readings() from error
    require_plain_contents(found, document)
    return Inspection(
        version=".".join(str(part) for part in reader.input_version),
        pages=sizes,
        signatures=forms.existing_signatures(root),
        fields=tuple(field.name for field in forms.terminal_fields(root)),
        warnings=warnings,
    )


def _pages(root: Any, most: int) -> list[Any]:
    found = [reference.get_object() for reference in geometry.pages(root, most=most)]
    if any(entry(page, "/Type", "/Page") != "/Page" for page in found):  # PDFium draws none of them
        raise malformed()
    return found


def warnings_about(
    reader: PdfReader, found: list[Any], *, fields_may_overlap: bool = False
) -> tuple[InspectionWarning, ...]:
    """What readers should know of the document whose pages were *found*. Raises DocumentRefused for active and for
    hidden content, and for fields over something else, unless they *may*: people choose the places of signatures,
    and put a seal over a name."""
    overlapping = _overlapping(reader.root, found, fields_may=fields_may_overlap)
    return (*_reading(reader), *content_check.check_content(reader), *overlapping)


def refuse_other_kinds(root: Any) -> None:
    """Raise DocumentRefused for what is drawn by other rules than a document's pages."""
    form = entry(root, "/AcroForm")
    if isinstance(form, DictionaryObject) and "/XFA" in form:
        raise DocumentRefused(
            "dynamic-form",
            "The document is an XFA form, whose pages a program makes; print it to a new PDF first.",
        )
    if "/Collection" in root:
        raise DocumentRefused(
            "portfolio", "The file is a portfolio of other files; sign the documents in it one by one."
        )


def refuse_ambiguous(shown: int, seen: int) -> None:
    """Two readers that disagree on the number of pages would show two contracts."""
    if shown != seen:
        raise DocumentRefused(
            "ambiguous",
            "Different programs see different pages ({first} or {second}) in this file; save it again.",
            first=seen,
            second=shown,
        )


def _reading(reader: PdfReader) -> Iterator[InspectionWarning]:
    if not reader.strict:
        yield InspectionWarning("not-strict", "The file breaks rules of its format but can be read.")
    if reader.xrefs.hybrid_xrefs_present:
        yield InspectionWarning(
            "hybrid", "The file has two tables of contents, for old programs and for new ones."
        )


def _overlapping(root: Any, found: list[Any], *, fields_may: bool) -> Iterator[InspectionWarning]:
    """Notes, stamps and fields that lie over each other: one of them may hide the other. Fields are refused unless
    they *may*, for they can be filled in later."""
    overlapping = []
    known = forms.nodes(root)
    for number, page in enumerate(found, start=1):
        notes = _annotations(page)
        _refuse_lonely(notes, known, number)
        _refuse_stacked([each for each in notes if has_frame(each)])
        kinds = set(_overlaps(notes))
        if "/Widget" in kinds and not fields_may:
            raise DocumentRefused(
                "overlapping-fields",
                "A form field on page {page} lies over something else and could hide it; move it, or print the "
                "document to a new PDF first.",
                page=number,
            )
        if kinds - {"/Widget"}:
            overlapping.append(number)
    if overlapping:
        yield InspectionWarning(
            "overlapping",
            "Notes, stamps or fields lie over each other on page {page}; look at it closely before signing.",
            {"page": ", ".join(str(number) for number in overlapping[:10])},
        )


def _annotations(page: Any) -> list[Any]:
    found = entry(page, "/Annots")
    listed = (found[index] for index in range(len(found))) if isinstance(found, ArrayObject) else ()
    return [each for each in listed if isinstance(each, DictionaryObject)]


def _overlaps(annotations: list[Any]) -> Iterator[str]:
    """The kinds of the notes and fields that lie over each other, for the most part; of all of them where too many
    are there to compare."""
    kinds = ((str(entry(each, "/Subtype", "")), each) for each in annotations)
    notes = [(kind, geometry.box(entry(each, "/Rect"))) for kind, each in kinds if kind not in _NO_OVERLAP]
    boxes = [(kind, box) for kind, box in notes if box is not None]
    if len(boxes) > _MOST_COMPARED:
        yield from (kind for kind, _ in boxes)
        return
    for (kind, one), (other_kind, other) in combinations(boxes, 2):
        if _covered(one, other) > _MOSTLY:
            yield from (kind, other_kind)


def _refuse_lonely(notes: list[Any], known: set[int], page: int) -> None:
    """Fields that no form has are drawn by some programs only: of a signature field neither PDFium nor MuPDF draws
    the picture, of others PDFium does not, and Poppler draws both."""
    for each in notes:
        if "/AP" in each and entry(each, "/Subtype") == "/Widget" and id(each) not in known:
            name = entry(each, "/T") or entry(entry(each, "/Parent", {}), "/T")
            raise DocumentRefused(
                "two-readings",
                "The form field {field} on page {page} belongs to no form, as happens when filled forms are "
                "merged; some programs show it and others do not. Print the document to a new PDF, or flatten its "
                "fields.",
                field=str(name or f"#{each.container_ref.idnum}"),
                page=page,
            )


def _refuse_stacked(links: list[Any]) -> None:
    """Frames that lie over each other hide all that is below them, each a stripe of it."""
    boxes = [box for each in links if (box := geometry.box(entry(each, "/Rect"))) is not None]
    if len(boxes) > _MOST_COMPARED or any(_covered(*both) > _PARTLY for both in combinations(boxes, 2)):
        raise DocumentRefused(
            "second-look",
            "The document has links whose frames lie over each other and could hide words in some programs; "
            "print it to a new PDF first.",
        )


def _covered(one: geometry.Box, other: geometry.Box) -> float:
    """Which part of the smaller one the other one covers, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / smaller if width > 0 and height > 0 else 0
