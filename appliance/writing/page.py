"""The page of a text: our elements (:mod:`appliance.writing.markup`), shaped by our style sheets alone."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources

from appliance.language import Language

_LANGUAGES = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}


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
