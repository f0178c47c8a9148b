"""Plain contracts of any length, as the files to measure on."""

from __future__ import annotations

import io

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas


def plain_contract(pages: int) -> bytes:
    """A PDF of *pages* pages of text, the same bytes each time."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1)
    for page in range(1, pages + 1):
        text = canvas.beginText(72, 770)
        text.setFont("Times-Roman", 11)
        for line in range(1, 41):
            text.textLine(f"{page}.{line}  The parties perform what clause {line} of this contract says.")
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()
