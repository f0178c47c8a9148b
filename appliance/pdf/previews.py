"""How an appearance looks before anybody signs: put into a field of a blank sheet by the same steps."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from appliance.pdf import fields, pages, signing
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import Appearance, FieldPlacement, PrepareOrder

_DPI = 192
_POINTS_PER_MILLIMETRE = 72 / 25.4
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
"""Of the signature that is not made; the appearance brings its own time."""


def draw_preview(appearance: Appearance, typefaces: Typefaces, *, width_mm: float, height_mm: float) -> bytes:
    """A PNG of the field, as large as it is on paper."""
    document = blank(width_mm * _POINTS_PER_MILLIMETRE, height_mm * _POINTS_PER_MILLIMETRE)
    document += fields.add_fields(document, [FieldPlacement("field", 0, 0, 0, 100, 100)], most_pages=1)
    prepared = signing.prepare(document, PrepareOrder("field", appearance, _WHEN), typefaces)
    return pages.render_page(document + prepared["appended"], 0, dpi=_DPI)


def blank(width: float, height: float) -> bytes:
    """A document of one empty page of that size in points."""
    writer = PdfFileWriter()
    content = writer.add_object(StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=content, media_box=(0, 0, width, height)))
    file = BytesIO()
    writer.write(file)
    return file.getvalue()
