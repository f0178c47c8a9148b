"""Opening a PDF with pyHanko for validation: strictly first, leniently second, and without its slow hexadecimal.

pyHanko reads strings byte by byte: 8 ms for the /Contents of one signature. Signature dictionaries are therefore
read here with a marker in place of the string, and put into the reader's cache; the marker says where the string
lies, which is also the better question: a copy of the same bytes elsewhere is not the signature.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

import appliance.pdf.reader  # noqa: F401 - cross-reference streams have an end with it
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.searched import Searching
from appliance.pdf.validation.model import Unparseable

# The kinds of exception that pyHanko lets escape for malformed files. MemoryError is none of them: the confined
# child reports it as what it is.
DAMAGE = (
    PdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OSError,
    ArithmeticError,
    RuntimeError,
    StopIteration,
    zlib.error,
    struct.error,
)

_LONG_STRING = re.compile(rb"<[0-9A-Fa-f]{1024,}>")
_HEADER = re.compile(rb"(\d{1,10})\s+(\d{1,5})\s+obj\Z")
_NEARBY = 16 * 1024
_MARKER = 16


@dataclass(frozen=True)
class OpenedPdf:
    """A reader over ``document``; ``lenient`` when the strict one refused."""

    document: bytes
    reader: PdfFileReader
    lenient: bool

    @property
    def revisions(self) -> int:
        """How many cross-reference sections there are, oldest first."""
        return int(self.reader.xrefs.total_revisions)

    @cached_property
    def extents(self) -> ObjectExtents:
        """How far its objects reach that any program may find."""
        return Searching(self.document, self.reader).extents()

    @cached_property
    def first_listed(self) -> dict[int, int]:
        """The first revision whose section lists an object, freed or not, by the object's number."""
        found: dict[int, int] = {}
        for revision in reversed(range(self.revisions)):
            section = self.reader.xrefs.get_xref_data(revision)
            for listed in (section.standard_xrefs, section.xrefs_in_objstm, section.freed):
                found.update(dict.fromkeys(listed, revision))
        return found

    @cached_property
    def page_numbers(self) -> dict[tuple[int, int] | None, int]:
        """The pages, counted from 0, by number and generation of their objects; read once for all signatures."""
        found = _pages_below(self, self.reader.root["/Pages"], 0)
        return {number: index for index, number in enumerate(found)}

    @property
    def first_revision(self) -> int:
        """The revision that the file began with: 1 where two sections were written at once, of which the newer one
        lies before the older one, as in linearised files (ISO 32000-2, annex F.3.4 and F.3.11); else 0."""
        if self.revisions < 2:
            return 0
        older, newer = (self.reader.xrefs.get_xref_container_info(number) for number in (0, 1))
        return int(newer.end_location <= older.start_location)


_DEEPEST = 50


def _pages_below(pdf: OpenedPdf, node: generic.DictionaryObject, depth: int) -> Iterator[tuple[int, int] | None]:
    """The object numbers of all pages in order."""
    kids = node["/Kids"]
    for index in range(len(kids)):
        kid = kids.raw_get(index)
        number = (kid.idnum, kid.generation) if isinstance(kid, generic.IndirectObject) else None
        if _is_leaf(pdf, number) or "/Kids" not in kids[index] or depth > _DEEPEST:
            yield number
        else:
            yield from _pages_below(pdf, kids[index], depth + 1)


def _is_leaf(pdf: OpenedPdf, number: tuple[int, int] | None) -> bool:
    """Whether the object's text alone tells that it has no kids; reading it takes a hundred times longer."""
    place = None if number is None else pdf.reader.xrefs[generic.Reference(*number)]
    if not isinstance(place, int):
        return False
    end = pdf.document.find(b"endobj", place)
    return end > 0 and all(pdf.document.find(each, place, end) < 0 for each in (b"/Kids", b"#"))


class ListedBefore(Container[int]):
    """The numbers of all objects that a section before *revision* lists, by :attr:`OpenedPdf.first_listed`."""

    def __init__(self, first: Mapping[int, int], revision: int) -> None:
        self._first, self._revision = first, revision

    def __contains__(self, number: object) -> bool:
        return self._first.get(number, self._revision) < self._revision  # type: ignore[call-overload, no-any-return]


def open_pdf(document: bytes) -> OpenedPdf:
    """Open *document*. Raises :class:`Unparseable`."""
    for strict in (True, False):
        try:
            reader = PdfFileReader(BytesIO(document), strict=strict)
            if reader.encrypted and not _unlocked(reader):
                raise Unparseable(encrypted=True)
            _ = reader.root["/Pages"]
        except Unparseable:
            raise
        except DAMAGE as error:
            failure = error
            continue
        if not reader.encrypted:
            _remember_signatures(document, reader)
        return OpenedPdf(document, reader, lenient=not strict)
    raise Unparseable from failure


def read_leniently(document: bytes) -> PdfFileReader:
    """A lenient reader of *document*, all of which it takes from the bytes. Raises :class:`Unparseable` for one
    that it cannot unlock, and what pyHanko raises."""
    reader = PdfFileReader(BytesIO(document), strict=False)
    if reader.encrypted and not _unlocked(reader):
        raise Unparseable(encrypted=True)
    return reader


def place_of_contents(value: bytes) -> tuple[int, int] | None:
    """Start and end of the hexadecimal string that a marker stands for, or None for a value that is no marker."""
    if len(value) != _MARKER:
        return None
    return int.from_bytes(value[:8], "big"), int.from_bytes(value[8:], "big")


def _unlocked(reader: PdfFileReader) -> bool:
    """Many signed files are encrypted with an empty user password, so that everybody may read them."""
    try:
        return bool(reader.decrypt(b"").status.value)
    except DAMAGE:
        return False


def _remember_signatures(document: bytes, reader: PdfFileReader) -> None:
    """Put the objects that are signatures into the reader's cache. In any other the marker would count as a change
    of its string, as it is not there when an older revision is read."""
    for found in _LONG_STRING.finditer(document):
        start, end = found.span()
        keyword = document.rfind(b"obj", max(0, start - _NEARBY), start)
        header = _HEADER.search(document[max(0, keyword - 32) : keyword + 3]) if keyword >= 0 else None
        stop = document.find(b"endobj", end, end + _NEARBY)
        if header is None or stop < 0 or _LONG_STRING.search(document, keyword, start):
            continue
        reference = generic.Reference(int(header[1]), int(header[2]), reader)
        begins = max(0, keyword - 32) + header.start()
        if _is_current(reader, reference, begins):
            marker = b"<%016x%016x>" % (start, end)
            text = document[keyword + 3 : start] + marker + document[end:stop]
            value = _dictionary(text, reference)
            if value is not None and _is_signature(value, marker):
                reader.cache_indirect_object(reference.generation, reference.idnum, value)


def _is_current(reader: PdfFileReader, reference: generic.Reference, begins: int) -> bool:
    try:
        return bool(reader.xrefs[reference] == begins)
    except DAMAGE:
        return False


def _is_signature(value: generic.DictionaryObject, marker: bytes) -> bool:
    """Whether *value* is a signature by itself, whose /Contents the *marker* is."""
    contents = value.raw_get("/Contents") if {"/ByteRange", "/Contents"} <= value.keys() else None
    if not isinstance(contents, generic.TextStringObject | generic.ByteStringObject):
        return False
    return bool(contents.original_bytes == bytes.fromhex(marker[1:-1].decode()))


def _dictionary(text: bytes, reference: generic.Reference) -> generic.DictionaryObject | None:
    """The object in *text* when it is a dictionary and nothing follows it."""
    stream = BytesIO(text.lstrip(b"\x00\t\n\x0c\r "))
    try:
        value = generic.read_object(stream, reference)
    except DAMAGE:
        return None
    return value if isinstance(value, generic.DictionaryObject) and not stream.read().strip() else None
