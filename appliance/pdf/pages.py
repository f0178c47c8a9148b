"""Pages as pictures and as text, by PDFium: what a signer sees is made here, not in anybody's browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO

import pypdfium2
from PIL import Image

from appliance.errors import DocumentRefused

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
    """The same, *width* pixels wide, in at most 256 colours: text keeps all its greys, a photograph is dithered.
    A third of the size of the full picture."""
    drawn = _drawn(document, page, lambda size: width / size[0])
    small = drawn.quantize(_MOST_COLOURS, Image.Quantize.MEDIANCUT)
    if drawn.getcolors(_MOST_COLOURS) is None:
        _keep_white(small)
        small = drawn.quantize(palette=small, dither=Image.Dither.FLOYDSTEINBERG)
    file = BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


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
            picture: Image.Image = sheet.render(scale=_bounded(size, scale(size)), may_draw_forms=True).to_pil()
    return picture.convert("RGB")


def text(document: bytes) -> list[str]:
    """The text of every page."""
    texts = []
    with opened(document) as pdf:
        for index in range(len(pdf)):
            with closing(pdf[index]) as page, closing(page.get_textpage()) as textpage:
                texts.append(textpage.get_text_range())
    return texts


def count(document: bytes) -> int:
    """How many pages PDFium sees."""
    with opened(document) as pdf:
        return len(pdf)


@contextmanager
def opened(document: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """*document* in PDFium. Raises DocumentRefused when it cannot be read."""
    try:
        pdf = pypdfium2.PdfDocument(document)
    except pypdfium2.PdfiumError as error:
        raise DocumentRefused(
            "malformed",
            "The document is not a well-formed PDF ({detail}); save it again with another program.",
            detail=str(error)[:200],
        ) from error
    with closing(pdf):
        yield pdf


def _bounded(size: tuple[float, float], wanted: float) -> float:
    """Pixels per point, lowered so that a poster does not take all the memory."""
    pixels = size[0] * size[1] * wanted * wanted
    return float(wanted if pixels <= MOST_PIXELS else wanted * (MOST_PIXELS / pixels) ** 0.5)
