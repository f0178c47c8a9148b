"""The closed set of elements that a text may hold, as values. What is not here cannot be in a contract.

They are written as HTML and read from what was pasted (:mod:`appliance.writing.markup`), or written as plain text
(:mod:`appliance.writing.plain`). A line has one form: the same words and marks are always the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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


def with_lines(blocks: Blocks, change: Callable[[Line], Line]) -> Blocks:
    """*blocks* with *change* made to each of their lines, in the order of the text."""
    return tuple(_with_lines(block, change) for block in blocks)


def _with_lines(block: Block, change: Callable[[Line], Line]) -> Block:
    match block:
        case TextHeading() | Paragraph():
            return replace(block, line=change(block.line))
        case TextList():
            return _list_with_lines(block, change)
        case Table():
            return Table(tuple(tuple(replace(cell, line=change(cell.line)) for cell in row) for row in block.rows))
        case PageBreak():
            return block


def _list_with_lines(listing: TextList, change: Callable[[Line], Line]) -> TextList:
    items = (
        ListItem(change(item.line), tuple(_list_with_lines(below, change) for below in item.below))
        for item in listing.items
    )
    return TextList(listing.ordered, tuple(items))


def tidy(line: Iterable[Inline]) -> Line:
    """Neighbours with the same marks joined, no blanks around lines, no break at the end."""
    found: list[Inline] = []
    for inline in line:
        if isinstance(inline, Run):
            _append(found, inline)
        else:
            if isinstance(inline, LineBreak):
                _strip_end(found)
            found.append(inline)
    _strip_end(found)
    while found and isinstance(found[-1], LineBreak):
        found.pop()
        _strip_end(found)
    return tuple(found)


def _append(found: list[Inline], run: Run) -> None:
    last = found[-1] if found else None
    text = run.text
    if (
        last is None
        or isinstance(last, LineBreak)
        or (isinstance(last, Run) and last.text.endswith(" ") and text.startswith(" "))
    ):
        text = text.lstrip(" ")
    if not text:
        return
    if isinstance(last, Run) and last.marks == run.marks:
        found[-1] = Run(last.text + text, run.marks)
    else:
        found.append(Run(text, run.marks))


def _strip_end(found: list[Inline]) -> None:
    """Takes the blanks from the end of the line so far, and the run when nothing else is in it."""
    while found and isinstance(last := found[-1], Run):
        text = last.text.rstrip(" ")
        if text:
            found[-1] = Run(text, last.marks)
            return
        found.pop()
