"""Pages as pictures and as text, by PDFium, and previews of appearances on a blank page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from io import BytesIO

import pypdfium2
from PIL import Image
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pypdfium2 import raw

from appliance.errors import DocumentRefused
from appliance.pdf import fields, signing
from appliance.pdf.incremental_updates import malformed
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import Appearance, FieldPlacement, PrepareOrder

MOST_PIXELS = 40_000_000
_MOST_COLOURS = 256
_NEARLY_WHITE = 246


def render_page(document: bytes, page: int, *, dpi: int) -> bytes:
    """Page *page* (from 0) with its annotations and fields, as PNG. Raises DocumentRefused for no such page."""
    picture = _drawn(document, page, lambda size: dpi / 72)
    file = BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()


def picture(document: bytes, page: int, *, width: int) -> bytes:
    """The same, *width* pixels wide, as a :func:`small_picture`."""
    return small_picture(drawn(document, page, width))


def drawn(document: bytes, page: int, width: int) -> Image.Image:
    """The same, as a picture that no file has been made of."""
    return _drawn(document, page, lambda size: width / size[0])


_LOOKED_AT_ACROSS = 500
"""Pixels of a page on which blank places are looked for."""


def blank_places(document: bytes, page: int, places: Sequence[tuple[float, float, float, float]]) -> list[bool]:
    """See PdfWorkshop.blank_places."""
    seen = drawn(document, page, _LOOKED_AT_ACROSS).convert("L")
    across, down = seen.width / 100, seen.height / 100
    boxes = [(x * across, y * down, (x + width) * across, (y + height) * down) for x, y, width, height in places]
    cut = (seen.crop((int(a), int(b), int(c) + 1, int(d) + 1)) for a, b, c, d in boxes)
    return [min(each.tobytes()) >= _NEARLY_WHITE for each in cut]


def small_picture(drawn: Image.Image) -> bytes:
    """A PNG in at most 256 colours: text keeps all its greys, a photograph is dithered. A third of the size of the
    full picture."""
    small = drawn.quantize(_MOST_COLOURS, Image.Quantize.MEDIANCUT)
    if drawn.getcolors(_MOST_COLOURS) is None:
        _keep_white(small)
        small = drawn.quantize(palette=small, dither=Image.Dither.FLOYDSTEINBERG)
    file = BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


_KINDS = {raw.FPDF_PAGEOBJ_IMAGE: "image", raw.FPDF_PAGEOBJ_PATH: "path"}


def page_objects(content: bytes) -> list[str]:
    """What PDFium finds on a page of this *content*: ``image``, ``path`` or, for anything else, ``other``."""
    writer, file = PdfFileWriter(), BytesIO()
    stream = writer.add_object(StreamObject(stream_data=content))
    writer.insert_page(PageObject(contents=stream, media_box=(0, 0, 100, 100)))
    writer.write(file)
    with opened(file.getvalue()) as pdf, closing(pdf[0]) as sheet:
        return [_KINDS.get(each.type, "other") for each in sheet.get_objects(max_depth=1)]


def _keep_white(picture: Image.Image) -> None:
    """Make the lightest colours of a palette, which were averaged with their neighbours, white again."""
    palette = picture.getpalette() or []
    entries = [palette[start : start + 3] for start in range(0, len(palette), 3)]
    whitened = [[255, 255, 255] if min(entry) >= _NEARLY_WHITE else entry for entry in entries]
    picture.putpalette([part for entry in whitened for part in entry])


def _drawn(document: bytes, page: int, scale: Callable[[tuple[float, float]], float]) -> Image.Image:
    """The page as an RGB picture; *scale* gives the pixels per point for its size in points."""
    with opened(document) as pdf:
        if not 0 <= page < len(pdf):
            raise DocumentRefused(
                "no-such-page", "There is no page {page}; the document has {pages}.", page=page + 1, pages=len(pdf)
            )
        pdf.init_forms()
        with closing(pdf[page]) as sheet:
            size = sheet.get_size()
            picture: Image.Image = sheet.render(scale=bounded(size, scale(size)), may_draw_forms=True).to_pil()
    return picture.convert("RGB")


def text(document: bytes) -> list[str]:
    """The text of every page."""
    texts = []
    with opened(document) as pdf:
        for index in range(len(pdf)):
            with closing(pdf[index]) as page, closing(page.get_textpage()) as textpage:
                texts.append(textpage.get_text_range())
    return texts


def is_read_as_written(document: bytes, end: int | None = None) -> bool:
    """Whether PDFium follows the own cross-reference sections of the file, which is the first *end* bytes, all for
    None; else it has searched for its objects, and may draw others than a reader finds that follows them. Raises
    DocumentRefused when it cannot be read."""
    pdf = raw.FPDF_LoadMemDocument64(document, len(document) if end is None else end, None)
    try:
        if raw.FPDF_GetPageCount(pdf) < 1:
            raise malformed()
        return bool(raw.FPDF_DocumentHasValidCrossReferenceTable(pdf))
    finally:
        raw.FPDF_CloseDocument(pdf)


def count(document: bytes) -> int:
    """How many pages PDFium sees."""
    with opened(document) as pdf:
        return len(pdf)


@contextmanager
def opened(document: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """*document* in PDFium. Raises DocumentRefused when it or one of its pages cannot be read."""
    try:
        with closing(pypdfium2.PdfDocument(document)) as pdf:
            yield pdf
    except pypdfium2.PdfiumError as error:
        raise malformed() from error


def bounded(size: tuple[float, float], wanted: float) -> float:
    """Pixels per point, lowered so that a poster does not take all the memory."""
    pixels = size[0] * size[1] * wanted * wanted
    return float(wanted if pixels <= MOST_PIXELS else wanted * (MOST_PIXELS / pixels) ** 0.5)


_DPI = 192
_POINTS_PER_MILLIMETRE = 72 / 25.4
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
"""Of the signature that is not made; the appearance brings its own time."""


def draw_preview(appearance: Appearance, typefaces: Typefaces, *, width_mm: float, height_mm: float) -> bytes:
    """A PNG of the field, as large as it is on paper."""
    document = blank(width_mm * _POINTS_PER_MILLIMETRE, height_mm * _POINTS_PER_MILLIMETRE)
    document += fields.add_fields(document, [FieldPlacement("field", 0, 0, 0, 100, 100)], most_pages=1)
    prepared = signing.prepare(document, PrepareOrder("field", appearance, _WHEN), typefaces)
    return render_page(document + prepared["appended"], 0, dpi=_DPI)


def blank(width: float, height: float) -> bytes:
    """A document of one empty page of that size in points."""
    writer = PdfFileWriter()
    content = writer.add_object(StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=content, media_box=(0, 0, width, height)))
    file = BytesIO()
    writer.write(file)
    return file.getvalue()
