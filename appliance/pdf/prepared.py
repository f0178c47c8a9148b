"""Whether a prepared revision is what it looks like: its gap is a signature's room and nothing else, before that
signature is activated. Confined.

The signature comes into the gap when everything else has been looked at. So no other object may reach into its
dictionary, nothing of the dictionary may be shown, and every page looks the same whatever the gap holds.
"""

from __future__ import annotations

import re
import secrets

from pyhanko.pdf_utils import generic

from appliance.errors import DocumentRefused
from appliance.pdf import content_check, forms, geometry, inspection, pages
from appliance.pdf.extents import ObjectExtents, Unreadable
from appliance.pdf.incremental_updates import refusing_malformed
from appliance.pdf.reader import PdfReader, extents_of, read_pdf

MOST_PAGES = 5000
_TAIL = 64
_END = re.compile(rb"startxref(?:\r\n|\n|\r)(\d{1,10})(?:\r\n|\n|\r)%%EOF[\r\n]*\Z")
_PREVIOUS = re.compile(rb"/Prev\s+(\d+)")

_MAY_HOLD = frozenset(
    b"/Type /Filter /SubFilter /Contents /ByteRange /Reference /M /Name /Reason /Location /ContactInfo".split()
)
"""The entries of a signature (ISO 32000-2, table 255), as far as we make any use of them, or might: with others
it could be a note, and the gap its text."""


@refusing_malformed()
def require_plain_gap(document: bytes, base: int, start: int, end: int, field: str) -> int:
    """How many pages *document* has: *base* bytes and a revision, in which the gap from *start* to *end* waits for
    the signature in *field*.

    Raises DocumentRefused when the gap could be anything else, and for active content as intake does.
    """
    reader = read_pdf(document)
    inspection.refuse_other_kinds(reader.root)
    content_check.check_content(reader)
    extents = extents_of(document, reader)
    try:
        _require_one_reading(document, base, reader)
        extents.require_plain_headers()
        _require_signature(extents, reader, (start, end), field)
        extents.require_end_before(base)
    except Unreadable as error:
        raise shared_gap() from error
    seen = pages.count(document)
    inspection.refuse_ambiguous(seen, sum(1 for _ in geometry.pages(reader.root, most=MOST_PAGES)))
    return seen


def _require_one_reading(document: bytes, base: int, reader: PdfReader) -> None:
    """Every program begins to read at the newest section, which the revision has brought, and goes on from there
    to the section at which it began with the base; none of them has to search the file for its objects."""
    appended = document[base:]
    newest, before = _entry_point(document), _entry_point(document[:base])
    previous = [int(each) for each in _PREVIOUS.findall(appended)]
    if newest != reader.last_startxref or newest < base or appended.count(b"startxref") != 1:
        raise Unreadable
    if previous != [before] or not pages.is_read_as_written(document):
        raise Unreadable


def _entry_point(document: bytes) -> int:
    """Where the file says at its very end that its newest section is."""
    found = _END.search(document, max(0, len(document) - _TAIL))
    if found is None:
        raise Unreadable
    return int(found[1])


def _require_signature(extents: ObjectExtents, reader: PdfReader, gap: tuple[int, int], field: str) -> None:
    """The gap is /Contents of the dictionary that is the value of *field*, and these bytes belong to it alone."""
    holders = [each for each in forms.terminal_fields(reader.root) if each.name == field and each.kind == "/Sig"]
    value = holders[0].dictionary.raw_get("/V") if len(holders) == 1 and "/V" in holders[0].dictionary else None
    if not isinstance(value, generic.IndirectObject):
        raise Unreadable
    place = reader.xrefs[value.reference]
    if not isinstance(place, int):
        raise Unreadable
    signature = extents.dictionary(place)
    if signature.number != (value.idnum, value.generation) or signature.values.get(b"/Contents") != [gap]:
        raise Unreadable
    once = all(len(each) == 1 for each in signature.values.values())
    if not once or not {b"/ByteRange"} <= signature.values.keys() <= _MAY_HOLD:
        raise Unreadable
    extents.require_end_before(signature.start)
    if any(signature.start < each < signature.end for each in extents.starts):
        raise Unreadable
    before = [each for each in extents.listed if 0 < each[0] < signature.end]
    if not all(extents.is_headed(offset, number) for offset, number in before):
        raise Unreadable


def draw_prepared(document: bytes, page: int, width: int, start: int, end: int) -> bytes:
    """Page *page* as :func:`appliance.pdf.pages.picture`, when it looks the same with anything in the gap. Raises
    DocumentRefused otherwise."""
    room = end - start - 2
    noise = "".join(secrets.choice("0123456789abcdefABCDEF") for _ in range(room))
    message = ("3082" + secrets.token_hex(room // 2).upper())[:room]
    bare = pages.drawn(document, page, width)
    for digits in (message, noise):
        filled = document[: start + 1] + digits.encode() + document[end - 1 :]
        if pages.drawn(filled, page, width).tobytes() != bare.tobytes():
            raise shared_gap()
    return pages.small_picture(bare)


def shared_gap() -> DocumentRefused:
    """The refusal of a document in which a signature is also something else."""
    return DocumentRefused(
        "shared-gap",
        "The room for the signature is also part of something else in this document, so it could look different"
        " once it is signed; nothing was done.",
    )
