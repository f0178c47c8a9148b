"""The confined jobs that need the typefaces (see :mod:`appliance.confinement.jobs`).

Before the first document the zygote rehearses one contract on a blank page. What a job would load lazily is
then in memory, and every child inherits it; that saves 25 ms for each job.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.errors import ConfigurationError
from appliance.language import Language
from appliance.model.contract import Placement
from appliance.pdf import fields, inspection, pages, seal_picture, search, signing, typefaces, watermark
from appliance.pdf.code_mark import put_code
from appliance.pdf.font_subsets import FontSubset, set_line
from appliance.pdf.incremental_updates import IncrementalUpdate, refusing_malformed
from appliance.pdf.input_text import draw_input
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import (
    CodeMark,
    FieldPlacement,
    PersonAppearance,
    PrepareOrder,
    SealAppearance,
    ValidationMaterial,
)

_shared: list[Typefaces] = []
"""What the zygote loaded before any document; children inherit it and never load anything themselves."""


def warm(cache: Path) -> None:
    """Load the typefaces into this process, by way of *cache*, and rehearse."""
    _shared[:] = [typefaces.load_typefaces(cache)]
    rehearse(_shared[0])


@refusing_malformed()
def prepare(document: bytes, order: PrepareOrder) -> dict[str, Any]:
    """See PdfWorkshop.prepare; the bytes to append and the placeholder's place."""
    return signing.prepare(document, order, _typefaces())


def preview(appearance: PersonAppearance | SealAppearance, width_mm: float, height_mm: float) -> bytes:
    """See PdfWorkshop.preview."""
    return pages.draw_preview(appearance, _typefaces(), width_mm=width_mm, height_mm=height_mm)


@refusing_malformed()
def add_watermark(document: bytes, text: str, most_pages: int) -> bytes:
    """See PdfWorkshop.watermark; the bytes to append."""
    return watermark.watermark(document, text, _typefaces().sans, most_pages=most_pages)


def seal_svg(appearance: SealAppearance) -> str:
    """See PdfWorkshop.seal_svg."""
    return seal_picture.svg(_typefaces().serif, appearance)


def require_shown(text: str) -> None:
    """See PdfWorkshop.require_shown."""
    for typeface in (_typefaces().serif, _typefaces().sans):
        set_line(typeface, text)


def add_fields(
    document: bytes, placements: Sequence[FieldPlacement], *, most_pages: int, mark: CodeMark | None
) -> bytes:
    """See PdfWorkshop.add_fields."""
    draw = None
    if mark is not None:

        def draw(revision: IncrementalUpdate, last: tuple[int, Any], taken: list[Placement]) -> None:
            put_code(revision, document, last, mark, _typefaces().sans, taken)

    return fields.add_fields(document, placements, most_pages=most_pages, draw=draw)


def require_room(text: str, sizes: Sequence[Sequence[float]]) -> None:
    """See PdfWorkshop.require_room."""
    for width, height in sizes:
        draw_input(FontSubset(_typefaces().sans), text, width=width, height=height)


def _typefaces() -> Typefaces:
    if not _shared:
        raise ConfigurationError("The typefaces were not loaded before the first document.")
    return _shared[0]


_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_SEAL = SealAppearance("示例", "公章", "1")


def rehearse(typefaces: Typefaces) -> None:
    """Go through every step of the workshop once."""
    document = pages.blank(595, 842)
    inspection.inspect(document, most_pages=1)
    placements = [FieldPlacement("person", 0, 10, 10, 40, 10), FieldPlacement("seal", 0, 10, 50, 40, 30)]
    document += fields.add_fields(document, placements, most_pages=1)
    for language in Language:
        person = PersonAppearance("示例", _WHEN, "Asia/Shanghai", "示例", language=language)
        signing.prepare(document, PrepareOrder("person", person, _WHEN, certify=True), typefaces)
    pages.draw_preview(_SEAL, typefaces, width_mm=40, height_mm=40)
    signing.prepare(document, PrepareOrder("seal", _SEAL, _WHEN), typefaces)
    signing.prepare_archive(document, ValidationMaterial((), ()), most_pages=1)
    seal_picture.svg(typefaces.serif, _SEAL)
    pages.render_page(document, 0, dpi=36)
    pages.picture(document, 0, width=72)
    pages.text(document)
    search.find_phrases(document, ["示例"])
