"""Whole contracts with their clauses marked in the text: those in ``whole`` and in ``tests/review/…_corpus``.

A file begins with a line ``kind, layout``. Below it, ``# `` is a title, ``## `` a heading, ``| a | b |`` a row of
a table, ``---`` a new page; a blank line ends a paragraph, and other ends of lines are kept. From
``{breach breach-figures:`` to ``}`` is a passage that states these clauses; passages may lie in each other. Of a
clause with ``?`` readers may disagree whether the passage states it: it counts neither way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WHOLE: Final = Path(__file__).parent / "whole"
_BESIDE: Final = Path(__file__).parent.parent

LEARNT: Final = (
    WHOLE,
    *(_BESIDE / f"{name}_corpus" for name in ("second", "third", "fourth", "fifth", "sixth", "seventh")),
)
"""What rules and weights have seen; each was measured before that (its README)."""

FOLDERS: Final = (WHOLE, *sorted(_BESIDE.glob("*_corpus")))
"""All of them. A new one is measured with the others, and nothing is learnt from it until it is named above."""

_LONGEST_LEAD: Final = 40
"""So many letters before a passage on its line are its number and heading, and may be quoted with it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """From and to which of a contract's letters clauses are stated; their heading begins at ``lead``."""

    clauses: frozenset[str]
    doubtful: frozenset[str]
    lead: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnnotatedContract:
    """A contract as somebody wrote it; ``letters`` are its letters and digits alone, however lines end."""

    name: str
    kind: str
    layout: str
    text: str
    letters: str
    passages: tuple[Passage, ...]

    style: str = "as written"

    @property
    def language(self) -> str:
        return self.name[:2]

    @property
    def plain(self) -> str:
        """The text without titles, headings and rows of tables being marked."""
        lines = (
            line.lstrip("#| ").rstrip(" |").replace("**", "").replace("|", " ") for line in self.text.split("\n")
        )
        return "\n".join(lines)

    @property
    def present(self) -> frozenset[str]:
        """The clauses that the contract states."""
        return frozenset[str]().union(*(each.clauses for each in self.passages))

    @property
    def doubtful(self) -> frozenset[str]:
        """The clauses of which readers may disagree whether the contract states them."""
        return frozenset[str]().union(*(each.doubtful for each in self.passages)) - self.present

    def states(self, clause: str, quote: str) -> bool:
        """Whether *quote* touches a passage that states *clause*, and is for its greater part of such passages."""
        wanted = letters(quote)
        passages = [each for each in self.passages if clause in each.clauses | each.doubtful]
        return any(self._is_of(passages, at, at + len(wanted)) for at in _places(self.letters, wanted))

    def mostly(self, clause: str, start: int, end: int) -> bool | None:
        """Whether the letters from *start* to *end* are for the greater part of passages that state *clause*; none
        where readers may disagree, or a lesser part is."""
        passages = [each for each in self.passages if clause in each.clauses | each.doubtful]
        if self._is_of([each for each in passages if clause in each.clauses], start, end):
            return True
        return None if any(each.start < end and start < each.end for each in passages) else False

    def _is_of(self, passages: list[Passage], start: int, end: int) -> bool:
        touched = [each for each in passages if each.start < end and start < each.end]
        inside = {at for each in touched for at in range(max(start, each.lead), min(end, each.end))}
        return 2 * len(inside) > end - start


def contracts(folder: Path) -> Iterator[AnnotatedContract]:
    """All contracts in *folder*."""
    return (read(path) for path in sorted(folder.glob("*.txt")))


def read(path: Path) -> AnnotatedContract:
    """The contract in the file at *path*. Raises ValueError where a passage is not closed."""
    head, marked = path.read_text(encoding="utf-8").split("\n", 1)
    kind, layout = head.split(", ")
    text, spans = _unmarked(marked.strip("\n"))
    if any(end < 0 for _, _, end in spans):
        raise ValueError(f"{path.name}: a passage is not closed")
    return AnnotatedContract(path.stem, kind, layout, text, letters(text), tuple(_passages(text, spans)))


def letters(text: str) -> str:
    """The letters and digits of *text*, in one width and case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _unmarked(marked: str) -> tuple[str, list[tuple[list[str], int, int]]]:
    """The text without its marks, and the marked spans."""
    text, at = "", 0
    spans: list[tuple[list[str], int, int]] = []
    opened: list[int] = []
    for mark in re.finditer(r"\{([a-z][a-z? -]*):|\}", marked):
        text += marked[at : mark.start()]
        at = mark.end()
        if mark[1]:
            opened.append(len(spans))
            spans.append((mark[1].split(), len(text), -1))
        else:
            clauses, start, _ = spans[number := opened.pop()]
            spans[number] = (clauses, start, len(text))
    return text + marked[at:], spans


def _passages(text: str, spans: list[tuple[list[str], int, int]]) -> Iterator[Passage]:
    for clauses, start, end in spans:
        first = len(letters(text[:start]))
        yield Passage(
            frozenset(each for each in clauses if not each.endswith("?")),
            frozenset(each[:-1] for each in clauses if each.endswith("?")),
            len(letters(text[: _lead(text, start)])),
            first,
            first + len(letters(text[start:end])),
        )


def _lead(text: str, start: int) -> int:
    """Where the number and the heading before the passage at *start* begin: on its line, or on the one above."""
    line = text.rfind("\n", 0, start) + 1
    if len(letters(text[line:start])) > _LONGEST_LEAD:
        return start
    above = text[:line].rstrip("\n")
    heading = above[above.rfind("\n") + 1 :]
    short = (
        heading
        and len(letters(heading)) <= _LONGEST_LEAD
        and not heading.rstrip().endswith(("。", ".", "；", ";"))
    )
    return above.rfind("\n") + 1 if short and not heading.startswith("|") else line


def _places(within: str, wanted: str) -> Iterator[int]:
    at = within.find(wanted) if wanted else -1
    while at >= 0:
        yield at
        at = within.find(wanted, at + 1)
