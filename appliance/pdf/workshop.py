"""The PDF workshop: what workflows do with PDFs, each step one confined job.

A child only answers with bytes to *append*: the given document stays the exact prefix of the result. Digests
are computed here, over the bytes that will be stored, and the place of the signature (ByteRange, ISO 32000-2,
12.8.1) is checked; neither is taken from a child.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from types import NoneType
from typing import Any, TypeVar

from appliance.confinement.pool import Confinement
from appliance.errors import ConfinementFailed, DocumentRefused, StateRefused
from appliance.language.sizes import ByteSize
from appliance.pdf.byte_ranges import ByteRange
from appliance.pdf.values import (
    Appearance,
    CodeMark,
    FieldPlacement,
    FilledField,
    FoundPhrase,
    Inspection,
    PlainRevision,
    PreparedRevision,
    PrepareOrder,
    SealAppearance,
    ValidationMaterial,
)

T = TypeVar("T")

LARGEST_DOCUMENT = 100 * 1024 * 1024


class PdfWorkshop:
    """Thread-safe. Every method raises DocumentRefused for what is wrong with the document and ConfinementFailed
    when no confined process could be had; the given document is never changed."""

    def __init__(self, confinement: Confinement, *, most_pages: int = 5000, timeout: float = 60.0) -> None:
        self._confinement = confinement
        self._most_pages = most_pages
        self._timeout = timeout

    def inspect(self, document: bytes) -> Inspection:
        """What the document is, or DocumentRefused with a ``reason`` of :mod:`appliance.pdf.inspection`."""
        if len(document) > LARGEST_DOCUMENT:
            raise DocumentRefused(
                "too-large",
                "The document has {size}; at most {limit} are taken in.",
                size=ByteSize(len(document)),
                limit=ByteSize(LARGEST_DOCUMENT),
            )
        return self._run(Inspection, "pdf.inspect", document=document, most_pages=self._most_pages)

    def add_fields(
        self, document: bytes, fields: Sequence[FieldPlacement], *, mark: CodeMark | None = None
    ) -> bytes:
        """Revision 1: *document* and one incremental update with all the signature *fields*, empty; *mark* comes
        on the last page where that has room for it, unless the document was signed before."""
        given = {"document": document, "placements": list(fields), "most_pages": self._most_pages, "mark": mark}
        return document + self._run(bytes, "pdf.add_fields", **given)

    def merge(self, document: bytes, annex: bytes, name: str) -> tuple[bytes, int]:
        """The bytes to append to *document* so that the pages of *annex* come after its own, and how many these
        are. *name* is how people call the annex, should it be refused."""
        given = {"document": document, "annex": annex, "name": name, "most_pages": self._most_pages}
        match self._run(dict, "pdf.merge", **given):
            case {"appended": bytes(appended), "pages": int(pages)}:
                return appended, pages
        raise _not_a_revision()

    def prepare(self, document: bytes, order: PrepareOrder) -> PreparedRevision:
        """*document* and one revision with the appearance and an empty signature in ``order.field``."""
        return prepared_revision(document, self._run(dict, "pdf.prepare", document=document, order=order))

    def embed(self, prepared: PreparedRevision, cms: bytes) -> bytes:
        """The signed document: *cms* (DER, signature or timestamp token) in the room that was kept for it."""
        return fill_placeholder(prepared, cms)

    def prepare_archive(self, document: bytes, material: ValidationMaterial) -> PreparedRevision:
        """*document*, its validation material (DSS) and an empty document timestamp over it all (B-LTA).

        Also extends an archived document: earlier material stays, the new timestamp covers the old one.
        """
        given = {"document": document, "material": material, "most_pages": self._most_pages}
        return prepared_revision(document, self._run(dict, "pdf.prepare_archive", **given))

    def watermark(self, document: bytes, text: str) -> bytes:
        """A copy of *document* for reading, with *text* across every page."""
        given = {"document": document, "text": text, "most_pages": self._most_pages}
        return document + self._run(bytes, "pdf.watermark", **given)

    def render(self, document: bytes, page: int, *, dpi: int = 96) -> bytes:
        """Page *page* (from 0) with annotations, as PNG."""
        return self._run(bytes, "pdf.render", document=document, page=page, dpi=dpi)

    def picture(self, document: bytes, page: int, *, width: int) -> bytes:
        """Page *page* (from 0) as a small PNG, *width* pixels wide: for looking at in a browser."""
        return self._run(bytes, "pdf.picture", document=document, page=page, width=width)

    def require_plain_gap(self, prepared: PreparedRevision, *, base: int, field: str) -> PlainRevision:
        """What there is to know of a revision after *base* bytes, which waits for the signature in *field*: the
        gap is the room for it and no part of anything else, nothing in the document is active, and programs read
        it in one way. Else DocumentRefused."""
        given = {"document": prepared.document, **_gap(prepared), "base": base, "field": field}
        return self._run(PlainRevision, "pdf.require_plain_gap", **given)

    def require_filled(self, document: bytes, *, base: int, field: str, others: Sequence[str]) -> FilledField:
        """The signature in *field* with which somebody elsewhere filled the document of *base* bytes, and did
        nothing else: one revision that changes nothing but this field, and locks none of the fields *others*. Else
        DocumentRefused, with one sentence for whoever signed."""
        if len(document) > LARGEST_DOCUMENT:
            raise DocumentRefused(
                "too-large",
                "The document has {size}; at most {limit} are taken in.",
                size=ByteSize(len(document)),
                limit=ByteSize(LARGEST_DOCUMENT),
            )
        given = {"document": document, "base": base, "field": field, "others": list(others)}
        return self._run(FilledField, "pdf.require_filled", **given, most_pages=self._most_pages)

    def require_plain(self, document: bytes) -> PlainRevision:
        """What there is to know of a document that is looked at and never signed, though it may be signed already;
        else DocumentRefused, as :meth:`inspect` for what is active in it."""
        return self._run(PlainRevision, "pdf.require_plain", document=document, most_pages=self._most_pages)

    def draw_prepared(self, prepared: PreparedRevision, page: int, *, width: int) -> bytes:
        """As :meth:`picture`, of a page that looks the same whatever is in the gap; else DocumentRefused with the
        reason ``shared-gap``."""
        given = {"document": prepared.document, **_gap(prepared), "page": page, "width": width}
        return self._run(bytes, "pdf.draw_prepared", **given)

    def text(self, document: bytes) -> list[str]:
        """The text of every page, as extracted."""
        return self._run(list[str], "pdf.text", document=document)

    def find(self, document: bytes, phrases: Sequence[str]) -> tuple[FoundPhrase, ...]:
        """Where the *phrases* stand, page by page from above; blanks and the width of characters do not matter.

        At most 1,000 places, 20 phrases of at most 100 characters. Raises DocumentRefused for other phrases.
        """
        return self._run(tuple[FoundPhrase, ...], "pdf.find", document=document, phrases=list(phrases))

    def blank_places(
        self, document: bytes, page: int, places: Sequence[tuple[float, float, float, float]]
    ) -> tuple[bool, ...]:
        """For each of *places* (x, y, width, height in per cent) whether nothing is drawn there on *page* (from
        0), with its annotations."""
        return self._run(tuple[bool, ...], "pdf.blank_places", document=document, page=page, places=list(places))

    def preview(self, appearance: Appearance, *, width_mm: float, height_mm: float) -> bytes:
        """How *appearance* looks in a field of that size on white paper, as PNG at 192 dpi."""
        return self._run(bytes, "pdf.preview", appearance=appearance, width_mm=width_mm, height_mm=height_mm)

    def seal_svg(self, appearance: SealAppearance) -> str:
        """The seal as it will be painted into fields, as an SVG document."""
        return self._run(str, "pdf.seal_svg", appearance=appearance)

    def require_shown(self, text: str) -> None:
        """Raises DocumentRefused, naming them, when *text* has characters that no signature can show."""
        self._run(NoneType, "pdf.require_shown", text=text)

    def require_room(self, text: str, sizes: Collection[tuple[float, float]]) -> None:
        """Raises DocumentRefused when *text*, which a signer fills in, does not fit into a place of one of *sizes*
        (width and height in points), or has characters that cannot be shown."""
        self._run(NoneType, "pdf.require_room", text=text, sizes=list(sizes))

    def _run(self, kind: type[T], job: str, **arguments: Any) -> T:
        return self._confinement.process(kind, job, timeout=self._timeout, **arguments)


def _gap(prepared: PreparedRevision) -> dict[str, int]:
    start, length = prepared.contents
    return {"start": start, "end": start + length}


_BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


def prepared_revision(document: bytes, revision: Mapping[str, Any]) -> PreparedRevision:
    """*document* with a child's *revision* appended (``appended`` bytes, ``start`` and ``end`` of the gap).

    Raises ConfinementFailed when the placeholder is not all zeros or the one ByteRange does not name exactly all
    bytes but the placeholder: a digest over anything else must never be signed.
    """
    match revision:
        case {"appended": bytes(appended), "start": int(start), "end": int(end)}:
            pass
        case _:
            raise _not_a_revision()
    return whole_revision(document + appended, len(document), start, end)


def whole_revision(whole: bytes, base: int, start: int, end: int) -> PreparedRevision:
    """The same of a document that the revision after its first *base* bytes is part of already; nothing is copied,
    since documents have up to 100 MiB."""
    ranges = _BYTE_RANGE.findall(whole, base)
    expected = [tuple(str(number).encode() for number in (start, end, len(whole) - end))]
    gap = whole[start:end]
    if ranges != expected or start < base or gap != b"<" + b"0" * (len(gap) - 2) + b">":
        raise _not_a_revision()
    digest = ByteRange(start, end, len(whole)).digest(whole, "sha256")
    return PreparedRevision(whole, digest, (start, end - start))


def _not_a_revision() -> ConfinementFailed:
    return ConfinementFailed("The prepared revision does not have the form of one.", cause="output", detail="")


def fill_placeholder(revision: PreparedRevision, cms: bytes) -> bytes:
    """The signed document: *cms* (DER) in hexadecimal in the placeholder, zeros after it.

    Raises StateRefused when it does not fit, or when the placeholder is not where it was said to be.
    """
    start, length = revision.contents
    room = length - 2
    digits = cms.hex().upper().encode()
    if len(digits) > room:
        raise StateRefused(
            "The signature has {size} bytes and only {room} were kept for it; prepare it again with more room.",
            size=len(cms),
            room=room // 2,
        )
    document = bytearray(revision.document)
    if document[start : start + 1] != b"<" or document[start + length - 1 : start + length] != b">":
        raise StateRefused("The prepared document is not the one that was prepared; prepare it again.")
    document[start + 1 : start + 1 + len(digits)] = digits
    return bytes(document)
