"""Contracts as PDFs for tests of the content check."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

OPENING = "甲方：甲公司示例有限公司\n乙方：乙公司示例有限公司"
CLAUSES = {
    "权利义务": "甲方有权检验货物。乙方应按照约定的质量提供货物，并负责运输。",
    "价款": "合同总价为人民币壹佰万元整（¥1,000,000.00），甲方应在收货后十日内支付全部货款。",
    "违约责任": "任何一方违约的，应向守约方支付合同总价5%的违约金，并赔偿对方的损失。",
    "争议解决": "因本合同发生的争议，双方应友好协商；协商不成的，向甲方所在地人民法院起诉。",
    "合同生效": "本合同自双方签字盖章之日起生效。",
}


def printed(text: str, *, style: str = "") -> bytes:
    """A PDF of paragraphs; lines that begin with ``#`` are headings."""
    from weasyprint import HTML  # noqa: PLC0415  # half a second that only who prints needs

    body = "".join(
        f"<h2>{line[1:].strip()}</h2>" if line.startswith("#") else f"<p>{line}</p>" for line in text.split("\n")
    )
    page = f"<style>body{{font-family:'Noto Serif CJK SC';{style}}}</style>{body}"
    return HTML(string=page).write_pdf()  # type: ignore[no-any-return]  # untyped


@cache
def purchase(*, without: str = "", price: str = "") -> bytes:
    """A purchase contract with all that its type requires, but for the clause *without*."""
    clauses = CLAUSES | ({"价款": price} if price else {})
    parts = [
        f"# 第{number}条 {name}\n{text}"
        for number, (name, text) in enumerate(clauses.items(), 1)
        if name != without
    ]
    return printed("\n".join((OPENING, *parts)))


@cache
def scan(pages: int = 2) -> bytes:
    """Pages that are pictures, as a scanner makes them."""
    picture = io.BytesIO()
    Image.new("RGB", (400, 600), (250, 250, 245)).save(picture, "PNG")
    stream = io.BytesIO()
    canvas = Canvas(stream)
    for _ in range(pages):
        picture.seek(0)
        canvas.drawImage(ImageReader(picture), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()
