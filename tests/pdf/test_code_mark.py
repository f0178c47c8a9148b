"""The document code on the last page, as a camera reads it; and where none is drawn."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest
import zxingcpp
from PIL import ImageChops
from PIL.Image import Image
from pypdfium2 import PdfDocument
from reportlab.pdfgen.canvas import Canvas

from appliance.pdf.values import CodeMark, FieldPlacement
from appliance.pdf.workshop import PdfWorkshop
from tests.verification.authorities import world
from tests.verification.documents import Signing, plain, sign, with_fields
from tests.world import sample_document

MARK = CodeMark("查验码", "4F7K-20QX-9TRB", "https://contracts.intranet.example.com:8443/verify/4F7K-20QX-9TRB")
FIELD = FieldPlacement("one", 0, 30, 30, 30, 10)


def turned(rotation: int, unit: float = 1.0) -> bytes:
    """One page of A4, *rotation* degrees clockwise, with units of another size and a box that begins elsewhere."""
    buffer = io.BytesIO()
    paper = Canvas(buffer, pagesize=(595 / unit, 842 / unit))
    paper.drawString(200 / unit, 400 / unit, "the contract")
    paper.save()
    with pikepdf.open(io.BytesIO(buffer.getvalue())) as pdf:
        pdf.pages[0].Rotate = rotation
        pdf.pages[0].MediaBox = [20, -30, 20 + 595 / unit, -30 + 842 / unit]
        pdf.pages[0].UserUnit = unit
        made = io.BytesIO()
        pdf.save(made, min_version="1.6")
    return made.getvalue()


def drawn(document: bytes, page: int = -1) -> Image:
    pages = PdfDocument(document)
    return pages[page % len(pages)].render(scale=300 / 72).to_pil().convert("L")


def codes_in(picture: Any) -> list[str]:
    return [each.text for each in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("document", [sample_document(), *map(turned, (0, 90, 180, 270)), turned(90, 2.0)])
def test_a_camera_reads_the_address_and_people_the_code(workshop: PdfWorkshop, document: bytes) -> None:
    sent = workshop.add_fields(document, [FIELD], mark=MARK)
    assert sent.startswith(document)
    pages = PdfDocument(sent)
    assert codes_in(drawn(sent)) == [MARK.address]
    text = pages[len(pages) - 1].get_textpage().get_text_bounded()
    assert MARK.label in text and MARK.code in text
    with pikepdf.open(io.BytesIO(sent)) as opened:
        assert not opened.check_pdf_syntax()
    assert workshop.inspect(sent).fields


def test_earlier_pages_and_the_rest_of_the_last_one_stay(workshop: PdfWorkshop) -> None:
    document = sample_document()
    plain, marked = (workshop.add_fields(document, [FIELD], mark=mark) for mark in (None, MARK))
    assert drawn(plain, 0).tobytes() == drawn(marked, 0).tobytes()
    changed = ImageChops.difference(drawn(plain), drawn(marked)).getbbox()
    assert changed is not None
    left, top, right, bottom = changed
    width, height = drawn(plain).size
    assert (right - left) < 0.25 * width and (bottom - top) < 0.07 * height


def test_a_document_cannot_draw_it_once_more(workshop: PdfWorkshop) -> None:
    """As large as the page, over its words: contents that draw what the page does not have yet."""
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(turned(0))) as pdf:
        pdf.pages[0].contents_add(b"q 4 0 0 4 -1780 -60 cm /VermilionCode Do Q")
        pdf.save(made)
    plain, hostile = (workshop.add_fields(each, [FIELD], mark=MARK) for each in (turned(0), made.getvalue()))
    assert drawn(plain).tobytes() == drawn(hostile).tobytes()


def test_a_field_in_the_corner_keeps_its_place(workshop: PdfWorkshop) -> None:
    corner = FieldPlacement("one", 0, 70, 85, 28, 14)
    sent = workshop.add_fields(turned(0), [corner], mark=MARK)
    picture = drawn(sent)
    width, height = picture.size
    assert min(picture.crop((int(0.7 * width), int(0.85 * height), width, height)).tobytes()) == 255
    assert codes_in(picture) == [MARK.address]


def test_a_page_without_a_blank_edge_has_none(workshop: PdfWorkshop) -> None:
    buffer = io.BytesIO()
    paper = Canvas(buffer, pagesize=(595, 842))
    for row in range(60):
        paper.drawString(
            5, 10 + 14 * row, "every line of this page is full of words, from one edge to the other " * 2
        )
    paper.save()
    full = buffer.getvalue()
    plain, marked = (workshop.add_fields(full, [FIELD], mark=mark) for mark in (None, MARK))
    assert drawn(plain).tobytes() == drawn(marked).tobytes()


def test_a_document_that_was_signed_before_has_none(workshop: PdfWorkshop) -> None:
    """It would be changed after its signature."""
    good = world()
    earlier = sign(with_fields(plain(1), "their"), Signing("their", good.signer, [good.issuing]))
    without, marked = (workshop.add_fields(earlier, [FIELD], mark=mark) for mark in (None, MARK))
    assert drawn(without).tobytes() == drawn(marked).tobytes()
