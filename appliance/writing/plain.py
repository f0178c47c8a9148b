r"""The same elements as plain text, for browsers without script, for samples, and for people who like to type.

Each line is one block; blank lines are for the eye and end lists and tables::

    # Title              ## Article           ### Clause
    A paragraph with **strong**, //emphasised//, ++underlined++ words and a {{field}}.
    [center] A line in the middle (also [left], [right], [justify])
    - a bullet           1. a numbered item
      - one level below (two blanks for each level)
    | ! Heading | ! Heading |
    | a cell | another cell |
    ---                  (a new page)
    []                   (an empty line)

``\n`` breaks a line within a block; a backslash takes the meaning away from what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from appliance.language.characters import in_one_line
from appliance.model.writing import FIELD_NAME
from appliance.writing.elements import (
    Align,
    Block,
    Blocks,
    Cell,
    FieldPlace,
    Inline,
    Line,
    LineBreak,
    ListItem,
    PageBreak,
    Paragraph,
    Run,
    Table,
    TextHeading,
    TextList,
    TextMark,
    tidy,
)

_SIGNS = {"**": TextMark.STRONG, "//": TextMark.EMPHASIS, "++": TextMark.UNDERLINE}
_SIGN_OF = {mark: sign for sign, mark in _SIGNS.items()}
_TOKEN = re.compile(r"\\(?P<escaped>.)|(?P<sign>\*\*|//|\+\+)|\{\{(?P<name>[^{}]*)\}\}", re.DOTALL)
_ITEM = re.compile(r"(?P<indent> *)(?P<sign>-|\d{1,3}\.) (?P<rest>.*)")
_ALIGNED = re.compile(r"\[(left|center|right|justify)\] ?")
_HEADING = re.compile(r"(#{1,3}) (.*)")
_SPECIAL = re.compile(r"\\|\*\*|//|\+\+|\{\{|\|")
_LEADING = re.compile(r"(#{1,3} |- |\[|---$|! )|(\d{1,3})(\. )")


def from_plain(text: str) -> Blocks:
    """The elements that *text* writes; there is no wrong text, only less structure."""
    blocks: list[Block] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        end = at + 1
        if lines[at].startswith("|"):
            end = _same(lines, at, lambda line: line.startswith("|"))
            blocks.append(_table(lines[at:end]))
        elif _ITEM.fullmatch(lines[at]):
            end = _same(lines, at, lambda line: _ITEM.fullmatch(line) is not None)
            blocks.extend(_lists(lines[at:end]))
        elif lines[at].strip():
            blocks.append(_block(lines[at].strip()))
        at = end
    return tuple(blocks)


def to_plain(blocks: Blocks) -> str:
    """*blocks* as plain text; :func:`from_plain` gives them again."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks)


def _same(lines: list[str], at: int, like: Callable[[str], bool]) -> int:
    while at < len(lines) and like(lines[at]):
        at += 1
    return at


def _block(line: str) -> Block:
    if line == "---":
        return PageBreak()
    if line == "[]":
        return Paragraph(())
    heading = _HEADING.fullmatch(line)
    if heading:
        align, rest = _aligned(heading[2])
        return TextHeading(len(heading[1]), _inlines(rest), align)
    align, rest = _aligned(line)
    return Paragraph(_inlines(rest), align)


def _aligned(text: str) -> tuple[Align, str]:
    found = _ALIGNED.match(text)
    return (Align(found[1]), text[found.end() :]) if found else (Align.START, text)


def _table(lines: list[str]) -> Table:
    rows = [[_cell(cell) for cell in _cells(line)] for line in lines]
    columns = max(len(row) for row in rows)
    return Table(tuple((*row, *[Cell(())] * (columns - len(row))) for row in rows))


def _cells(line: str) -> list[str]:
    inner = re.split(r"(?<!\\)((?:\\\\)*)\|", line.strip())
    joined = [inner[0], *inner[1:]]
    cells = ["".join(joined[index : index + 2]) for index in range(0, len(joined), 2)]
    cells = cells[1:] if cells and not cells[0].strip() else cells
    cells = cells[:-1] if len(cells) > 1 and not cells[-1].strip() else cells
    return cells or [""]


def _cell(text: str) -> Cell:
    text = text.strip()
    header = text.startswith("!")
    align, rest = _aligned(text[1:].strip() if header else text)
    return Cell(_inlines(rest), header, align)


def _lists(lines: list[str]) -> Iterator[TextList]:
    found = [match for match in map(_ITEM.fullmatch, lines) if match]
    entries = [(len(match["indent"]) // 2, match["sign"] != "-", match["rest"]) for match in found]
    while entries:
        level = entries[0][0]
        listing, entries = _listing(entries, level)
        yield listing


def _listing(entries: list[tuple[int, bool, str]], level: int) -> tuple[TextList, list[tuple[int, bool, str]]]:
    """The list that begins with the first of *entries*, and the entries after it."""
    ordered = entries[0][1]
    items: list[ListItem] = []
    while entries and entries[0][0] >= level:
        deeper = entries[0][0] > level and len(items) > 0
        if deeper:
            below, entries = _listing(entries, entries[0][0])
            items[-1] = ListItem(items[-1].line, (*items[-1].below, below))
            continue
        if entries[0][1] != ordered:
            break
        items.append(ListItem(_inlines(entries[0][2])))
        entries = entries[1:]
    return TextList(ordered, tuple(items)), entries


def _inlines(text: str) -> Line:
    line: list[Inline] = []
    marks: set[TextMark] = set()
    for token in _tokens(in_one_line(text).strip()):
        if isinstance(token, TextMark):
            marks ^= {token}
        elif isinstance(token, LineBreak):
            line.append(token)
        elif isinstance(token, FieldPlace):
            line.append(FieldPlace(token.name, frozenset(marks)))
        else:
            line.append(Run(token, frozenset(marks)))
    return tidy(line)


def _tokens(text: str) -> Iterator[str | TextMark | LineBreak | FieldPlace]:
    at = 0
    for token in _TOKEN.finditer(text):
        if token.start() > at:
            yield text[at : token.start()]
        at = token.end()
        name = token["name"]
        if token["sign"]:
            yield _SIGNS[token["sign"]]
        elif token["escaped"]:
            yield LineBreak() if token["escaped"] == "n" else token["escaped"]
        elif FIELD_NAME.fullmatch(name.strip()):
            yield FieldPlace(name.strip())
        else:
            yield token[0]
    if at < len(text):
        yield text[at:]


def _lines(block: Block) -> Iterator[str]:
    match block:
        case TextHeading():
            yield f"{'#' * block.level} {_said_align(block.align)}{_said(block.line)}"
        case Paragraph():
            yield f"{_said_align(block.align)}{_said(block.line)}" if block.line else "[]"
        case TextList():
            yield from _said_list(block, 0)
        case Table():
            yield from (f"| {' | '.join(_said_cell(cell) for cell in row)} |" for row in block.rows)
        case PageBreak():
            yield "---"


def _said_list(listing: TextList, level: int) -> Iterator[str]:
    for number, item in enumerate(listing.items, start=1):
        sign = f"{min(number, 999)}." if listing.ordered else "-"
        yield f"{'  ' * level}{sign} {_said(item.line)}"
        for below in item.below:
            yield from _said_list(below, level + 1)


def _said_cell(cell: Cell) -> str:
    return f"{'! ' if cell.header else ''}{_said_align(cell.align)}{_said(cell.line)}"


def _said_align(align: Align) -> str:
    return f"[{align.value}] " if align is not Align.START else ""


def _said(line: Line) -> str:
    said, open_marks = "", frozenset[TextMark]()
    for inline in line:
        if isinstance(inline, LineBreak):
            said += "\\n"
            continue
        said += _turned(open_marks ^ inline.marks)
        open_marks = inline.marks
        said += f"{{{{{inline.name}}}}}" if isinstance(inline, FieldPlace) else _escaped(inline.text)
    return _not_leading(said) + _turned(open_marks)


def _turned(marks: frozenset[TextMark]) -> str:
    return "".join(sign for mark, sign in _SIGN_OF.items() if mark in marks)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "".join(f"\\{letter}" for letter in found[0]), text)


def _not_leading(said: str) -> str:
    """*said* with a backslash where its beginning would be read as a heading, an item or an alignment."""
    found = _LEADING.match(said)
    if not found:
        return said
    if found[1]:
        return f"\\{said}"
    return f"{found[2]}\\{said[len(found[2]) :]}"
