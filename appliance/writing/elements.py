"""The closed set of elements that a text may hold, as values. What is not here cannot be in a contract.

Written as HTML (:mod:`markup`), read from whatever was pasted (:mod:`reading`), or as plain text (:mod:`plain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TextMark(StrEnum):
    """How letters stand out; the value is the HTML element."""

    STRONG = "strong"
    EMPHASIS = "em"
    UNDERLINE = "u"


class Align(StrEnum):
    """Where lines stand; ``START`` is the usual place of the language and is not written."""

    START = ""
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    JUSTIFY = "justify"


@dataclass(frozen=True, slots=True)
class Run:
    """Letters with the same marks."""

    text: str
    marks: frozenset[TextMark] = frozenset()


@dataclass(frozen=True, slots=True)
class LineBreak:
    """A new line within a paragraph."""


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where a merge field's value will stand."""

    name: str
    marks: frozenset[TextMark] = frozenset()


Inline = Run | LineBreak | FieldPlace
Line = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class TextHeading:
    """A heading of level 1 (the title), 2 or 3."""

    level: int
    line: Line
    align: Align = Align.START


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    line: Line
    align: Align = Align.START


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list, and the lists below it."""

    line: Line
    below: tuple[TextList, ...] = ()


@dataclass(frozen=True, slots=True)
class TextList:
    """A numbered list, or one with bullets."""

    ordered: bool
    items: tuple[ListItem, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; ``header`` for a heading of its column or row."""

    line: Line
    header: bool = False
    align: Align = Align.START


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many cells."""

    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins on a new page."""


Block = TextHeading | Paragraph | TextList | Table | PageBreak
Blocks = tuple[Block, ...]
