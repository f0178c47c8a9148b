"""Contracts of the corpus as PDFs: eight ways of numbering, four layouts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

from tests.review.corpus.contracts import Piece, Plan

_NUMERALS: Final = "零一二三四五六七八九十"
_CSS: Final = {
    "book": "@page{size:A4;margin:25mm;@bottom-center{content:'%s'}} body{font-size:11pt;line-height:1.7}",
    "columns": "@page{size:A4;margin:18mm} body{font-size:10pt;columns:2;text-align:justify;hyphens:auto}",
    "narrow": "@page{size:110mm 160mm;margin:12mm;@top-center{content:'示例 7/2026'}} body{font-size:11pt}",
    "spaced": "@page{size:A4;margin:22mm} h1,h2{letter-spacing:.35em} body{font-size:12pt;line-height:2}",
}
_FOOT: Final = {
    "zh": "第 ' counter(page) ' 页 共 ' counter(pages) ' 页",
    "en": "Page ' counter(page) ' of ' counter(pages) '",
}
_FONTS: Final = FontConfiguration()


def printed(plan: Plan) -> bytes:
    """The contract as a PDF."""
    css = _CSS[plan.layout]
    css = css % _FOOT[plan.language] if "%s" in css else css
    face = "'Noto Serif CJK SC'" if plan.language == "zh" else "'Noto Serif','Noto Serif CJK SC'"
    language = "zh-CN" if plan.language == "zh" else "en"
    body = "".join(_body(plan))
    page = (
        f"<html lang={language}><style>{css} body{{font-family:{face}}} h2{{font-size:1.1em}}</style>{body}</html>"
    )
    return HTML(string=page).write_pdf(font_config=_FONTS)  # type: ignore[no-any-return]  # untyped


def _body(plan: Plan) -> Iterator[str]:
    title = f"{plan.kind}合同" if plan.language == "zh" else f"{plan.kind} Agreement"
    yield f"<h1>{escape(title)}</h1>"
    yield from (f"<p>{escape(line)}</p>" for line in plan.opening.split("\n"))
    for number, piece in enumerate(plan.pieces, start=1):
        yield from _piece(plan, number, piece)
    for annex in plan.annexes:
        yield f"<h2>{escape(annex.heading)}</h2><p>{escape(annex.text)}</p>"


def _piece(plan: Plan, number: int, piece: Piece) -> Iterator[str]:
    zh, heading, text = plan.language == "zh", escape(piece.heading), escape(piece.text)
    if plan.style == "plain" or not heading:
        yield f"<p>{_mark(plan, number)}{text}</p>"
    elif plan.style == "inline":
        yield f"<p><b>{_mark(plan, number)}{heading}</b>{'　' if zh else '. '}{text}</p>"
    elif plan.style == "bare":
        yield f"<h2>{'【' + heading + '】' if zh and number % 2 else heading}</h2><p>{text}</p>"
    elif plan.style == "nested":
        yield f"<h2>{_mark(plan, number)}{heading}</h2>"
        for at, part in enumerate(_parts(text, zh=zh), start=1):
            yield f"<p>{number}.{at} {part}</p>"
    else:
        yield f"<h2>{_mark(plan, number)}{heading if zh or number % 2 else heading.upper()}</h2><p>{text}</p>"


def _parts(text: str, *, zh: bool) -> list[str]:
    mark = "。" if zh else ". "
    pieces = [piece for piece in text.split(mark) if piece.strip()]
    return [piece if piece.endswith((".", "。")) else piece + mark.strip() for piece in pieces]


def _mark(plan: Plan, number: int) -> str:
    chinese = _chinese(number)
    if plan.language == "zh":
        marks = {
            "article": f"第{chinese}条　",
            "counted": f"{chinese}、",
            "inline": f"第{chinese}条 ",
            "sign": f"（{chinese}）",
        }
    else:
        marks = {"article": f"Article {number} – ", "counted": f"Section {number}: ", "sign": f"§ {number} "}
    return "" if plan.style == "bare" else marks.get(plan.style, f"{number}. ")


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _NUMERALS[ones]
    return ("" if tens == 1 else _NUMERALS[tens]) + "十" + (_NUMERALS[ones] if ones else "")
