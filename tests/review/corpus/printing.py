"""Contracts of the corpora as PDFs, in five layouts: composed ones numbered in eight ways, others as written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, Final

from tests.review.corpus.annotated import AnnotatedContract
from tests.review.corpus.contracts import Piece, Plan

_NUMERALS: Final = "零一二三四五六七八九十"
_CSS: Final = {
    "book": "@page{size:A4;margin:25mm;@bottom-center{content:'%s'}} body{font-size:11pt;line-height:1.7}",
    "columns": "@page{size:A4;margin:18mm} body{font-size:10pt;columns:2;text-align:justify;hyphens:auto}",
    "narrow": "@page{size:110mm 160mm;margin:12mm;@top-center{content:'示例 7/2026'}} body{font-size:11pt}",
    "spaced": "@page{size:A4;margin:22mm} h1,h2{letter-spacing:.35em} body{font-size:12pt;line-height:2}",
    "scanned": "@page{size:A4;margin:20mm} body{font-size:10.5pt;line-height:1.6}",
}
_SCANNED: Final = {"zh": 24, "en": 46}
"""Signs on a line of a page that was read from paper: lines end anywhere, within a word with a hyphen."""
_FOOT: Final = {
    "zh": "第 ' counter(page) ' 页 共 ' counter(pages) ' 页",
    "en": "Page ' counter(page) ' of ' counter(pages) '",
}


@cache
def _fonts() -> Any:
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415  # half a second that only who prints needs

    return FontConfiguration()


def printed(contract: Plan | AnnotatedContract) -> bytes:
    """The contract as a PDF."""
    from weasyprint import HTML  # noqa: PLC0415  # half a second that only who prints needs

    css = _CSS[contract.layout]
    css = css % _FOOT[contract.language] if "%s" in css else css
    zh = contract.language == "zh"
    face = "'Noto Serif CJK SC'" if zh else "'Noto Serif','Noto Serif CJK SC'"
    css += f" body{{font-family:{face}}} h2{{font-size:1.1em}} td{{border:1px solid;padding:1mm}}"
    body = "".join(_body(contract) if isinstance(contract, Plan) else _as_written(contract))
    page = f"<html lang={'zh-CN' if zh else 'en'}><style>{css}</style>{body}</html>"
    return HTML(string=page).write_pdf(font_config=_fonts())  # type: ignore[no-any-return]  # untyped


def _as_written(contract: AnnotatedContract) -> Iterator[str]:
    for block in contract.text.split("\n\n"):
        for table, grouped in groupby(block.split("\n"), lambda line: line.startswith("|")):
            lines = list(grouped)
            yield _table(lines) if table else _paragraph(contract, "\n".join(lines))


def _table(rows: Iterable[str]) -> str:
    cells = ([cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows)
    marked = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in cells)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in marked)}</table>"


def _paragraph(contract: AnnotatedContract, text: str) -> str:
    if text == "---":
        return '<div style="break-after:page"></div>'
    for mark, tag in (("# ", "h1"), ("## ", "h2")):
        if text.startswith(mark):
            return f"<{tag}>{escape(text.removeprefix(mark))}</{tag}>"
    lines = text.split("\n")
    if contract.layout == "scanned":
        lines = [part for line in lines for part in _broken(line, contract.language)]
    written = re.sub(r"[*][*](.*?)[*][*]", r"<b>\1</b>", "<br>".join(map(escape, lines)))
    return f"<p>{written}</p>"


def _broken(line: str, language: str) -> Iterator[str]:
    """*line* in lines of equal length."""
    length = _SCANNED[language]
    while len(line) > length:
        head, line = line[:length], line[length:]
        yield head + ("-" if language == "en" and head[-1].isalpha() and line[0].isalpha() else "")
    yield line


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
