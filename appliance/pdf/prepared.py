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
from appliance.pdf import forms, geometry, inspection, pages
from appliance.pdf.content_streams import require_plain_contents
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.incremental_updates import refusing_malformed
from appliance.pdf.object_text import Unreadable
from appliance.pdf.one_reading import (
    MOST_PAGES,
    require_one_reading,
    signed_sizes_in,
    strictly_if_possible,
)
from appliance.pdf.reader import PdfReader
from appliance.pdf.searched import Searching, entry_point
from appliance.pdf.values import PlainRevision

_PREVIOUS = re.compile(rb"/Prev\s+(\d+)")

_MAY_HOLD = frozenset(
    b"/Type /Filter /SubFilter /Contents /ByteRange /Reference /M /Name /Reason /Location /ContactInfo".split()
)
"""The entries of a signature (ISO 32000-2, table 255), as far as we make any use of them, or might: with others
it could be a note, and the gap its text."""


@refusing_malformed()
def require_plain_gap(document: bytes, base: int, start: int, end: int, field: str) -> PlainRevision:
    """The pages of *document*, and what intake would warn of: *base* bytes and a revision, in which the gap from
    *start* to *end* waits for the signature in *field*.

    Raises DocumentRefused when the gap could be anything else, and as intake does for active content and for what
    programs may read differently.
    """
    return strictly_if_possible(document, lambda reader: _looked_at(document, reader, base, (start, end), field))


def _looked_at(document: bytes, reader: PdfReader, base: int, gap: tuple[int, int], field: str) -> PlainRevision:
    inspection.refuse_other_kinds(reader.root)
    found = [reference.get_object() for reference in geometry.pages(reader.root, most=MOST_PAGES)]
    warnings = inspection.warnings_about(reader, found, fields_may_overlap=True)
    try:
        extents = Searching(document, reader).extents()
        _require_signature(extents, reader, gap, field)
        _require_own_revision(document, base)
        _require_one_place(document, gap, signed_sizes_in(document, reader, extents))
    except Unreadable as error:
        raise shared_gap() from error
    require_one_reading(document, reader)
    require_plain_contents(found, document)
    seen = pages.count(document)
    inspection.refuse_ambiguous(seen, len(found))
    return PlainRevision(seen, warnings)


def _require_own_revision(document: bytes, base: int) -> None:
    """The revision brings the newest section, and goes on from there to the section at which programs begin to
    read the base."""
    appended = document[base:]
    previous = [int(each) for each in _PREVIOUS.findall(appended)]
    if entry_point(document) < base or appended.count(b"startxref") != 1:
        raise Unreadable
    if previous != [entry_point(document[:base])]:
        raise Unreadable


def _require_one_place(document: bytes, gap: tuple[int, int], sizes: list[int]) -> None:
    """What is signed says once where its gap is. Where it says so twice it is two documents: with the gap at the
    other place the digest is the same, but all that lies between has moved, and tables lead to other objects."""
    start, end = gap
    if sizes.count(len(document) - (end - start)) != 1:
        raise Unreadable


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
