"""Copies for reading carry the reader's name across every page, and nothing is lost under it."""

from __future__ import annotations

import io

import pikepdf
import pytest
from PIL import ImageChops
from PIL.Image import Image
from pypdfium2 import PdfDocument
from reportlab.pdfgen.canvas import Canvas

from appliance.pdf.workshop import PdfWorkshop
from tests.world import sample_document

MARK = "张三 · 乙公司示例有限公司 · 2026-11-29 · 未签署副本"


def letters(document: bytes, page: int) -> str:
    return "".join(PdfDocument(document)[page].get_textpage().get_text_bounded().split())


def picture(document: bytes, page: int) -> Image:
    return PdfDocument(document)[page].render(scale=1).to_pil().convert("L")


def odd_pages() -> bytes:
    """A page without contents, one turned, one whose contents leave a matrix and a clip behind."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(842, 595))
    canvas.drawString(72, 72, "turned")
    canvas.showPage()
    canvas.drawString(72, 72, "left behind")
    canvas.showPage()
    canvas.save()
    with pikepdf.open(io.BytesIO(stream.getvalue())) as pdf:
        pdf.pages[0].Rotate = 90
        pdf.pages[1].Contents = pdf.make_stream(
            b"BT /F1 12 Tf 9 9 Td (left behind) Tj ET q .01 0 0 .01 0 0 cm 0 0 1 1 re W n"
        )
        pdf.add_blank_page(page_size=(200, 200))
        made = io.BytesIO()
        pdf.save(made)
    return made.getvalue()


@pytest.mark.parametrize("made", [sample_document, odd_pages])
def test_the_mark_lies_across_every_page_and_nothing_is_lost(workshop: PdfWorkshop, made: object) -> None:
    document = made()  # type: ignore[operator]
    copy = workshop.watermark(document, MARK)
    assert copy.startswith(document) and len(copy) < len(document) + 40_000
    with pikepdf.open(io.BytesIO(copy)) as opened:
        assert not opened.check_pdf_syntax()
    for page in range(len(PdfDocument(document))):
        before, after = letters(document, page), letters(copy, page)
        assert after.count("张三") == 3 and "未签署副本" in after
        assert set(before) <= set(after)
        plain, marked = (picture(each, page) for each in (document, copy))
        darker = ImageChops.difference(plain, marked).getextrema()[1]
        assert plain.size == marked.size and 0 < darker < 90, "seen, and faint"


def test_characters_that_no_typeface_has_are_left_out(workshop: PdfWorkshop) -> None:
    copy = workshop.watermark(sample_document(1), "\U0001f600 𠮷野 \u0301")
    assert "𠮷野" in letters(copy, 0)
