"""The jobs that run confined: plain values in, plain values out (see :mod:`appliance.confinement.jobs`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from appliance.errors import ConfigurationError
from appliance.pdf import (
    archive,
    codec,
    fields,
    inspection,
    pages,
    previews,
    rehearsal,
    seal_picture,
    search,
    signing,
    typefaces,
)
from appliance.pdf.font_subsets import set_line
from appliance.pdf.incremental_updates import refusing_malformed
from appliance.pdf.typefaces import Typefaces

_shared: list[Typefaces] = []
"""What the zygote loaded before any document; children inherit it and never load anything themselves."""


def warm(cache: Path) -> None:
    """Load the typefaces into this process, by way of *cache*, and rehearse."""
    _shared[:] = [typefaces.load_typefaces(cache)]
    rehearsal.rehearse(_shared[0])


def inspect(document: bytes, most_pages: int) -> Any:
    """See PdfWorkshop.inspect."""
    with refusing_malformed():
        return codec.plain(inspection.inspect(document, most_pages=most_pages))


def add_fields(document: bytes, placements: Sequence[Mapping[str, Any]], most_pages: int) -> bytes:
    """See PdfWorkshop.add_fields; the bytes to append."""
    with refusing_malformed():
        return fields.add_fields(document, [codec.placement(one) for one in placements], most_pages=most_pages)


def prepare(document: bytes, order: Mapping[str, Any]) -> dict[str, Any]:
    """See PdfWorkshop.prepare; the bytes to append and the placeholder's place."""
    with refusing_malformed():
        return signing.prepare(document, codec.order(order), _typefaces())


def prepare_archive(document: bytes, material: Mapping[str, Any], most_pages: int) -> dict[str, Any]:
    """See PdfWorkshop.prepare_archive; the bytes to append and the placeholder's place."""
    with refusing_malformed():
        return archive.prepare_archive(document, codec.material(material), most_pages=most_pages)


def render(document: bytes, page: int, dpi: int) -> bytes:
    """See PdfWorkshop.render."""
    return pages.render_page(document, page, dpi=dpi)


def picture(document: bytes, page: int, width: int) -> bytes:
    """See PdfWorkshop.picture."""
    return pages.picture(document, page, width=width)


def text(document: bytes) -> list[str]:
    """See PdfWorkshop.text."""
    return pages.text(document)


def find(document: bytes, phrases: Sequence[str]) -> Any:
    """See PdfWorkshop.find."""
    return codec.plain(search.find_phrases(document, phrases))


def preview(appearance: Mapping[str, Any], width_mm: float, height_mm: float) -> bytes:
    """See PdfWorkshop.preview."""
    return previews.draw_preview(
        codec.appearance(appearance), _typefaces(), width_mm=width_mm, height_mm=height_mm
    )


def seal_svg(appearance: Mapping[str, Any]) -> str:
    """See PdfWorkshop.seal_svg."""
    return seal_picture.svg(_typefaces().serif, codec.seal(appearance))


def require_shown(text: str) -> None:
    """See PdfWorkshop.require_shown."""
    for typeface in (_typefaces().serif, _typefaces().sans):
        set_line(typeface, text)


def _typefaces() -> Typefaces:
    if not _shared:
        raise ConfigurationError("The typefaces were not loaded before the first document.")
    return _shared[0]
