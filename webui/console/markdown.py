"""The little of Markdown that runbook pages are written in: headings, paragraphs, lists, code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

Words = tuple[tuple[str, str], ...]
"""Runs of text, each with its kind: ``text``, ``code`` or ``strong``; of a link its words alone."""

_RUN = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\[(?P<link>[^\]]+)\]\([^)]*\)")
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ITEM = re.compile(r"(?:[-*]|(\d+)\.) +(.*)")


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """A ``heading``, ``paragraph``, ``code`` (one run of ``words``), ``list`` or ``numbered`` (``items``)."""

    kind: str
    words: Words = ()
    items: tuple[Words, ...] = field(default=())


def blocks(text: str) -> list[MarkdownBlock]:
    """The blocks of *text*, in order."""
    found: list[MarkdownBlock] = []
    for fenced, lines in groupby(_marked(text.splitlines()), key=lambda line: line[0]):
        if fenced:
            found.append(MarkdownBlock("code", (("code", "\n".join(line for _, line in lines)),)))
        else:
            found += _prose([line for _, line in lines])
    return found


def _marked(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Each line with the number of the fence that it stands in, 0 outside; the fences themselves are dropped."""
    fence, opened = 0, False
    for line in lines:
        if line.startswith("```"):
            opened = not opened
            fence += opened
        else:
            yield (fence if opened else 0), line


def _prose(lines: list[str]) -> Iterator[MarkdownBlock]:
    for blank, group in groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            yield from _part([line.rstrip() for line in group])


def _part(lines: list[str]) -> Iterator[MarkdownBlock]:
    """One stretch without an empty line: headings stand alone, items go on in indented lines."""
    texts: list[str] = []
    kind = "paragraph"
    for line in lines:
        heading, item = _HEADING.fullmatch(line), _ITEM.fullmatch(line)
        if heading:
            yield MarkdownBlock("heading", words(heading[2]))
        elif item:
            if kind == "paragraph" and texts:
                yield MarkdownBlock(kind, words(texts.pop()))
            kind = "numbered" if item[1] else "list"
            texts.append(item[2])
        elif texts:
            texts[-1] += f" {line.strip()}"
        else:
            texts.append(line)
    if texts and kind == "paragraph":
        yield MarkdownBlock(kind, words(texts[0]))
    elif texts:
        yield MarkdownBlock(kind, items=tuple(words(text) for text in texts))


def words(text: str) -> Words:
    """The runs of one line of text."""
    runs: list[tuple[str, str]] = []
    end = 0
    for found in _RUN.finditer(text):
        runs.append(("text", text[end : found.start()]))
        kind = found.lastgroup or "text"
        runs.append(("text" if kind == "link" else kind, found[kind]))
        end = found.end()
    runs.append(("text", text[end:]))
    return tuple(run for run in runs if run[1])
