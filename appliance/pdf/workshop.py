"""The PDF workshop: what workflows do with PDFs, each step one confined job.

A child only ever answers with bytes to *append*: the given document stays the exact prefix of the result by
construction, and digests are computed here, over the very bytes that will be kept, never taken from a child.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.confinement import Confinement
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.language.sizes import ByteSize
from appliance.pdf import byte_ranges, codec
from appliance.pdf.values import (
    Appearance,
    FieldPlacement,
    FoundPhrase,
    Inspection,
    PreparedRevision,
    PrepareOrder,
    SealAppearance,
    ValidationMaterial,
)

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
        found = self._run("pdf.inspect", document=document, most_pages=self._most_pages)
        return codec.inspection(found)

    def add_fields(self, document: bytes, fields: Sequence[FieldPlacement]) -> bytes:
        """Revision 1: *document* and one incremental update with all the signature *fields*, empty."""
        appended: bytes = self._run(
            "pdf.add_fields", document=document, placements=codec.plain(list(fields)), most_pages=self._most_pages
        )
        return document + appended

    def prepare(self, document: bytes, order: PrepareOrder) -> PreparedRevision:
        """*document* and one revision with the appearance and an empty signature in ``order.field``."""
        revision = self._run("pdf.prepare", document=document, order=codec.plain(order))
        return byte_ranges.prepared(document, revision)

    def embed(self, prepared: PreparedRevision, cms: bytes) -> bytes:
        """The signed document: *cms* (DER, signature or timestamp token) in the room that was kept for it."""
        return byte_ranges.fill(prepared, cms)

    def prepare_archive(self, document: bytes, material: ValidationMaterial) -> PreparedRevision:
        """*document*, its validation material (DSS) and an empty document timestamp over it all (B-LTA).

        Also extends an archived document: earlier material stays, the new timestamp covers the old one.
        """
        revision = self._run(
            "pdf.prepare_archive", document=document, material=codec.plain(material), most_pages=self._most_pages
        )
        return byte_ranges.prepared(document, revision)

    def render(self, document: bytes, page: int, *, dpi: int = 96) -> bytes:
        """Page *page* (from 0) with annotations, as PNG."""
        picture: bytes = self._run("pdf.render", document=document, page=page, dpi=dpi)
        return picture

    def picture(self, document: bytes, page: int, *, width: int) -> bytes:
        """Page *page* (from 0) as a small PNG, *width* pixels wide: for looking at in a browser."""
        picture: bytes = self._run("pdf.picture", document=document, page=page, width=width)
        return picture

    def text(self, document: bytes) -> list[str]:
        """The text of every page, as extracted."""
        pages: list[str] = self._run("pdf.text", document=document)
        return pages

    def find(self, document: bytes, phrases: Sequence[str]) -> tuple[FoundPhrase, ...]:
        """Where the *phrases* stand, page by page from above; blanks and the width of characters do not matter.

        At most 1,000 places, 20 phrases of at most 100 characters. Raises DocumentRefused for other phrases.
        """
        found = self._run("pdf.find", document=document, phrases=list(phrases))
        return tuple(FoundPhrase(**one) for one in found)

    def preview(self, appearance: Appearance, *, width_mm: float, height_mm: float) -> bytes:
        """How *appearance* looks in a field of that size on white paper, as PNG at 192 dpi."""
        picture: bytes = self._run(
            "pdf.preview", appearance=codec.plain(appearance), width_mm=width_mm, height_mm=height_mm
        )
        return picture

    def seal_svg(self, appearance: SealAppearance) -> str:
        """The seal as it will be painted into fields, as an SVG document."""
        picture: str = self._run("pdf.seal_svg", appearance=codec.plain(appearance))
        return picture

    def require_shown(self, text: str) -> None:
        """Raises DocumentRefused, naming them, when *text* has characters that no signature can show."""
        self._run("pdf.require_shown", text=text)

    def _run(self, job: str, **arguments: Any) -> Any:
        try:
            return self._confinement.run(job, arguments, timeout=self._timeout)
        except ConfinementFailed as failure:
            if failure.values.get("cause") == "unavailable":
                raise
            raise DocumentRefused("unprocessable", failure.template) from failure
