"""Finding phrases: where they are seen, however the file puts them together, and no more than that."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from pikepdf import Array, Pdf
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

from appliance.errors import DocumentRefused
from appliance.pdf.values import FoundPhrase
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents

SONG = "STSong-Light"
WIDTH, HEIGHT = A4


def drawn(*pages: Callable[[canvas.Canvas], None]) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(SONG))
    file = BytesIO()
    sheet = canvas.Canvas(file, pagesize=A4, invariant=1)
    for draw in pages:
        sheet.setFont(SONG, 14)
        draw(sheet)
        sheet.showPage()
    sheet.save()
    return file.getvalue()


def text(words: str, x: float = 100, y: float = 700) -> Callable[[canvas.Canvas], None]:
    return lambda sheet: sheet.drawString(x, y, words)


def assert_at(found: FoundPhrase, x: float, y: float) -> None:
    """The box begins *x* points from the left, and *y*, from below, is on its line."""
    assert abs(found.x - x / WIDTH * 100) < 0.5
    assert found.y < (HEIGHT - y) / HEIGHT * 100 < found.y + found.height + 0.3


@pytest.mark.parametrize(
    ("written", "phrase"),
    [
        ("甲方签字：", "签字："),
        ("甲方签字：", "签字:"),
        ("签字:", "签字："),
        ("签　字 ：", "签字："),
        ("Signature of the buyer:", "SIGNATURE of"),
        ("Ｓｉｇｎａｔｕｒｅ", "signature"),
        ("Party A  signs here", "Party A signs"),
    ],
)
def test_blanks_width_and_case_do_not_matter(written: str, phrase: str, workshop: PdfWorkshop) -> None:
    found = workshop.find(drawn(text(written)), [phrase])
    assert [(one.phrase, one.page) for one in found] == [(phrase, 0)]
    start = pdfmetrics.stringWidth(written[: written.find("签")], SONG, 14) if "甲方" in written else 0
    assert_at(found[0], 100 + start, 700)


def test_a_phrase_in_several_pieces_is_one(workshop: PdfWorkshop) -> None:
    def pieces(sheet: canvas.Canvas) -> None:
        sheet.drawString(128, 700, "字")
        sheet.drawString(100, 700, "签")
        sheet.drawString(160, 700, "：")

    assert_at(workshop.find(drawn(pieces), ["签字："])[0], 100, 700)


def test_the_end_of_one_line_and_the_start_of_the_next_are_not_a_phrase(workshop: PdfWorkshop) -> None:
    def wrapped(sheet: canvas.Canvas) -> None:
        sheet.drawString(100, 700, "以下各方在此签")
        sheet.drawString(100, 680, "字：无")

    assert workshop.find(drawn(wrapped), ["签字："]) == ()
    assert len(workshop.find(drawn(wrapped), ["字："])) == 1


def test_a_column_of_characters_is_a_phrase(workshop: PdfWorkshop) -> None:
    def column(sheet: canvas.Canvas) -> None:
        for index, character in enumerate("甲方盖章"):
            sheet.drawString(300, 700 - 18 * index, character)

    found = workshop.find(drawn(column), ["甲方盖章"])
    assert len(found) == 1
    assert found[0].height > 3 * found[0].width * WIDTH / HEIGHT


def test_several_phrases_page_by_page_from_above(workshop: PdfWorkshop) -> None:
    def both(sheet: canvas.Canvas) -> None:
        sheet.drawString(100, 300, "盖章：")
        sheet.drawString(100, 500, "签字：")
        sheet.drawString(300, 500, "签字：")

    found = workshop.find(drawn(text("签字："), both), ["盖章：", "签字："])
    assert [(one.page, one.phrase) for one in found] == [
        (0, "签字："),
        (1, "签字："),
        (1, "签字："),
        (1, "盖章："),
    ]
    assert found[1].x < found[2].x


@pytest.mark.parametrize(
    ("turn", "x", "y"),
    # 字 at (100, 700) on a page of 595 by 842 with the box (50, 40, 500, 800), as seen from its upper left corner
    [
        (0, (100 - 50) / 450, (800 - 700) / 760),
        (90, (700 - 40) / 760, (100 - 50) / 450),
        (180, (500 - 100) / 450, (700 - 40) / 760),
        (270, (800 - 700) / 760, (500 - 100) / 450),
    ],
)
def test_turned_and_cropped_pages(turn: int, x: float, y: float, workshop: PdfWorkshop) -> None:
    def change(pdf: Pdf) -> None:
        pdf.pages[0].Rotate = turn
        pdf.pages[0].CropBox = Array([50, 40, 500, 800])

    found = workshop.find(documents.changed(change, drawn(text("字"))), ["字"])[0]
    near_x = min(abs(found.x / 100 - x), abs((found.x + found.width) / 100 - x))
    near_y = min(abs(found.y / 100 - y), abs((found.y + found.height) / 100 - y))
    assert near_x < 0.012
    assert near_y < 0.012


def test_rare_characters_are_found(workshop: PdfWorkshop) -> None:
    assert workshop.find(drawn(text("abc")), ["𠮷野"]) == ()


def test_not_more_than_a_thousand(workshop: PdfWorkshop) -> None:
    def full(sheet: canvas.Canvas) -> None:
        for line in range(60):
            sheet.drawString(20, 20 + 13 * line, "x " * 40)

    assert len(workshop.find(drawn(full), ["x"])) == 1000


@pytest.mark.parametrize("phrases", [[], ["  "], ["x" * 101], [f"x{number}" for number in range(21)]])
def test_phrases_that_cannot_be_looked_for(phrases: list[str], workshop: PdfWorkshop) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.find(documents.plain(1), phrases)
    assert refusal.value.reason == "phrases"


def test_what_is_no_pdf_is_refused(workshop: PdfWorkshop) -> None:
    with pytest.raises(DocumentRefused):
        workshop.find(b"nothing", ["x"])
