"""Typesetting: a text in our elements becomes a PDF (A4) with its typefaces embedded."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import Any

from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from appliance.language import Language

_LANGUAGES = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}


def typeset(html: str, *, title: str, language: str) -> bytes:
    """The PDF of *html* (:mod:`appliance.writing.markup`), which nothing but our style sheets can shape."""
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    document = HTML(string=page(html, title=title, language=Language(language)), url_fetcher=nothing)
    pdf: Any = document.write_pdf(
        font_config=FontConfiguration(), pdf_identifier=b"vermilion-writing", pdf_tags=True
    )
    return bytes(pdf)


def page(html: str, *, title: str, language: Language) -> str:
    """The whole document that is typeset."""
    return (
        f'<!doctype html><html lang="{_LANGUAGES[language]}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_style(language)}</style></head>"
        f'<body class="{language.value}">{html}</body></html>'
    )


@cache
def _style(language: Language) -> str:
    folder = resources.files(__package__).joinpath("styles")
    return "".join(
        folder.joinpath(name).read_text(encoding="utf-8") for name in ("paper.css", f"{language.value}.css")
    )
