"""Whether all programs read a PDF in the same way: one question for intake, activation and verification.

Programs differ where a file is odd. They begin to read at another place, search the file for objects when its
tables are not plain, and choose differently between two entries of one key; then they show other pages. A plain
structure is the same to all of them. Where it is not, but could be harmless, the pages are drawn: as PDFium reads
the file, and from the objects that our own reader finds, written to a new file.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TypeVar

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfDecodeLimitError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from appliance.errors import DocumentRefused
from appliance.pdf.byte_ranges import signed_sizes
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.incremental_updates import BROKEN
from appliance.pdf.object_text import Unreadable, is_ambiguous
from appliance.pdf.page_comparison import NotRendered, PageComparison
from appliance.pdf.reader import PdfReader, read_pdf
from appliance.pdf.searched import Searching, packed_objects, require_plain_beginning

T = TypeVar("T")

MOST_PAGES = 5000
"""That are drawn of a document which is taken in or activated."""


def strictly_if_possible(document: bytes, look: Callable[[PdfReader], T]) -> T:
    """What *look* makes of *document*, read strictly; leniently when that fails. Raises what *look* raises."""
    try:
        return look(read_pdf(document, strict=True))
    except (DocumentRefused, PdfDecodeLimitError):
        raise
    except BROKEN:
        return look(read_pdf(document))


def require_one_reading(document: bytes, reader: PdfReader) -> ObjectExtents:
    """How far the objects of *document* reach. Raises DocumentRefused when programs may read it differently."""
    extents = Searching(document, reader).extents()
    try:
        require_plain_structure(document, reader, extents)
        plain = reader.strict and _is_unambiguous(reader, extents)
        if plain or different_page(document, reader, most=MOST_PAGES) is None:
            return extents
    except (Unreadable, NotRendered) as error:
        raise two_readings() from error
    raise two_readings()


def is_plain(document: bytes, reader: PdfFileReader, extents: ObjectExtents) -> bool:
    """Whether the structure of *document* leaves programs no choice. Never raises for what is in the file."""
    try:
        require_plain_structure(document, reader, extents)
        return _is_unambiguous(reader, extents)
    except (Unreadable, DocumentRefused, *BROKEN):
        return False


def require_plain_structure(document: bytes, reader: PdfFileReader, extents: ObjectExtents) -> None:
    """Raises :class:`Unreadable` unless every program begins to read *document* at the same section, follows its
    tables, and finds each object where these say, and its end."""
    if not extents.sound:
        require_plain_beginning(document, reader)
        Searching(document, reader).require_alike()
    extents.require_plain_headers()
    extents.require_end_before(len(document))
    listed = () if extents.sound else extents.listed  # of which it is known where one is sound
    if not all(extents.is_headed(offset, number) for offset, number in listed if offset > 0):
        raise Unreadable


def signed_sizes_in(document: bytes, reader: PdfFileReader, extents: ObjectExtents) -> list[int]:
    """How many bytes each ByteRange in the file says to cover, whether anything refers to it or not. Raises
    :class:`Unreadable` for one that is not plain, and for one that is packed or might be, in an object stream that
    no section lists."""
    sizes, packing = signed_sizes(document), set(extents.packing)
    if sizes is None:
        raise Unreadable
    for number in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_data(number)
        for each, (generation, offset) in section.standard_xrefs.items():
            if offset not in packing:
                continue
            packing.discard(offset)
            stream = reader.get_object(generic.Reference(each, generation, reader), revision=number)
            if signed_sizes(stream.read_data(DecodePurpose.OBJECT_STREAM)) != []:
                raise Unreadable
    if packing:
        raise Unreadable
    return sizes


def different_page(document: bytes, reader: PdfFileReader, *, most: int | None = None) -> int | None:
    """The first page (from 1) that PDFium draws otherwise than the objects that *reader* finds look in a file of
    their own; None when all are the same. Raises :class:`NotRendered`, also for more than *most* pages."""
    written = BytesIO()
    try:
        _forget_freed(reader)
        copy_into_new_writer(reader).write(written)
    except BROKEN as error:
        raise NotRendered from error
    different = PageComparison(document).differences(written.getvalue(), most=most)
    return different[0].page if different else None


def _is_unambiguous(reader: PdfFileReader, extents: ObjectExtents) -> bool:
    """Whether all objects are, those in object streams too, none was in use before it was marked as free, and no
    table for old programs stands beside one for new ones (7.5.8.4)."""
    if reader.xrefs.hybrid_xrefs_present or any(_freed(reader)):
        return False
    return extents.are_unambiguous() and not any(is_ambiguous(text) for _, _, text in packed_objects(reader))


def _freed(reader: PdfFileReader) -> dict[int, set[int]]:
    """The objects that a section marks as free and an older one lists, with the generations that they had: they
    are no more (ISO 32000-2, 7.5.4), but PDFium, and pyHanko for some generations, still find them."""
    listed: dict[int, set[int]] = {}
    freed: dict[int, set[int]] = {}
    for number in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_data(number)
        parts = [section] if section.hybrid is None else [section, section.hybrid.xref_data]
        used = {each: {place[0]} for part in parts for each, place in part.standard_xrefs.items()}
        used |= {each: {0} for part in parts for each in part.xrefs_in_objstm}
        freed |= {each: listed[each] for each in section.freed if each in listed}
        freed = {each: generations for each, generations in freed.items() if each not in used}
        for each, generations in used.items():
            listed.setdefault(each, set()).update(generations)
    return freed


def _forget_freed(reader: PdfFileReader) -> None:
    """Has *reader* find nothing where objects were freed."""
    for number, generations in _freed(reader).items():
        for generation in generations:
            reader.cache_indirect_object(generation, number, generic.NullObject())


def two_readings() -> DocumentRefused:
    """The refusal of a file that not all programs may read in the same way."""
    return DocumentRefused(
        "two-readings",
        "Different programs may read this file differently and show different pages; save it again as a PDF, or "
        "print it to a new PDF first.",
    )
