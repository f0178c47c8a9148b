"""The agreement's text in its parts, so that a page can show it: a heading, paragraphs, numbered articles."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ARTICLE = re.compile(r"\d+\.\s+\*\*(?P<name>.+?)\*\*\s*(?P<words>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AgreementArticle:
    """One numbered article: its name and its words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class AgreementWords:
    """The text: what comes before the articles, the articles, and what comes after them."""

    title: str
    before: tuple[str, ...]
    articles: tuple[AgreementArticle, ...]
    after: tuple[str, ...]


def articles_of(text: str) -> AgreementWords:
    """The parts of *text*: Markdown with one ``# title``, paragraphs, and articles like ``1. **name** words``."""
    title = ""
    before: list[str] = []
    after: list[str] = []
    articles: list[AgreementArticle] = []
    for block in _blocks(text):
        found = _ARTICLE.fullmatch(block)
        if block.startswith("# "):
            title = block[2:].strip()
        elif found:
            articles.append(AgreementArticle(found["name"], found["words"]))
        else:
            (after if articles else before).append(block)
    return AgreementWords(title, tuple(before), tuple(articles), tuple(after))


def _blocks(text: str) -> list[str]:
    """Paragraphs and numbered items, each on one line."""
    parts = re.split(r"\n\s*\n|\n(?=\d+\. )", text.strip())
    return [_joined(part) for part in parts if part.strip()]


def _joined(part: str) -> str:
    """Lines put together: with a blank between Latin letters, without one between Chinese characters."""
    lines = [line.strip() for line in part.splitlines()]
    words = lines[0]
    for line in lines[1:]:
        words += (" " if words[-1:].isascii() or line[:1].isascii() else "") + line
    return words
