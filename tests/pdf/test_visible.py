"""What is seen of a page's text, and what only programs find there."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing

import pypdfium2
import pytest
from reportlab.lib.colors import Color, black, white
from reportlab.pdfgen.canvas import Canvas

from appliance.pdf.search import seen_text

WORDS = "Liability for breach of contract"


def told(draw: Callable[[Canvas], None], *, turned: int = 0) -> str:
    """What is seen of one page that *draw* draws."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.setPageRotation(turned)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    with (
        closing(pypdfium2.PdfDocument(stream.getvalue())) as pdf,
        closing(pdf[0]) as page,
        closing(page.get_textpage()) as text,
    ):
        seen = seen_text(page, text)
        assert len(seen) == len(text.get_text_range())
        return seen.strip()


def in_white(canvas: Canvas) -> None:
    canvas.setFillColor(white)
    canvas.drawString(72, 450, WORDS)


def transparent(canvas: Canvas) -> None:
    canvas.setFillColor(Color(0, 0, 0, alpha=0))
    canvas.drawString(72, 450, WORDS)


def tiny(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 0.5)
    canvas.drawString(72, 450, WORDS)


def to_be_found_only(canvas: Canvas) -> None:
    text = canvas.beginText(72, 450)
    text.setTextRenderMode(3)
    text.textOut(WORDS)
    canvas.drawText(text)


def outside(canvas: Canvas) -> None:
    canvas.drawString(72, 5000, WORDS)


def covered(canvas: Canvas) -> None:
    canvas.drawString(72, 450, WORDS)
    canvas.setFillColor(white)
    canvas.rect(60, 440, 300, 30, stroke=0, fill=1)


def in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("form")
    in_white(canvas)
    canvas.endForm()
    canvas.doForm("form")


def cut_off(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.rect(0, 0, 50, 50)
    canvas.clipPath(path, stroke=0)
    canvas.drawString(72, 450, WORDS)


@pytest.mark.parametrize("turned", [0, 90])
@pytest.mark.parametrize(
    "draw", [in_white, transparent, tiny, to_be_found_only, outside, covered, in_a_form, cut_off]
)
def test_what_nobody_sees_is_not_there(draw: Callable[[Canvas], None], turned: int) -> None:
    assert told(draw, turned=turned) == ""


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_what_is_seen_is_all_there(turned: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(60, 440, 300, 30, stroke=0, fill=1)
        canvas.setFillColor(white)
        canvas.drawString(72, 450, WORDS)

    assert told(draw, turned=turned) == WORDS


def test_hidden_words_in_a_line_that_is_seen() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 450, "Not")
        canvas.setFillColor(white)
        canvas.drawString(100, 450, "without")
        canvas.setFillColor(black)
        canvas.drawString(160, 450, "liability - i.e. fine print, too: l.i.a.b.")
        canvas.setFont("Helvetica", 4)
        canvas.drawString(72, 400, "fine print")

    seen = "Not liability - i.e. fine print, too: l.i.a.b. fine print"
    assert " ".join(told(draw).split()) == seen
