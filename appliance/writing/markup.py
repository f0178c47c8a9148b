"""Elements as HTML: the only form in which texts are stored, sent to the editor, and typeset.

HTML that was typed or pasted is read in three steps. 1. ``nh3`` reduces it to the elements and attributes that
word processors and browsers use for structure: scripts, styles, links, pictures, comments are removed first. 2.
The rest becomes values of :mod:`appliance.writing.elements`; what has no place there (a ``div``, a list inside
a table) keeps its words and loses its form. 3. Those values are written anew, so that nothing of the sender's
markup is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

import nh3

from appliance.errors import DocumentRefused
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


def markup(blocks: Blocks) -> str:
    """The HTML of *blocks*, one block a line; the same blocks always give the same text."""
    return "\n".join(_block(block) for block in blocks)


def line(inlines: Line) -> str:
    """The HTML of what stands in one paragraph, item or cell."""
    return "".join(_inline(inline) for inline in inlines)


def _block(block: Block) -> str:
    match block:
        case TextHeading():
            return f"<h{block.level}{_alignment(block.align)}>{line(block.line)}</h{block.level}>"
        case Paragraph():
            return f"<p{_alignment(block.align)}>{line(block.line) or '<br>'}</p>"
        case TextList():
            return _listing(block)
        case Table():
            rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in block.rows)
            return f"<table><tbody>{rows}</tbody></table>"
        case PageBreak():
            return "<hr>"


def _listing(listing: TextList) -> str:
    name = "ol" if listing.ordered else "ul"
    return f"<{name}>{''.join(_item(item) for item in listing.items)}</{name}>"


def _item(item: ListItem) -> str:
    return f"<li>{line(item.line)}{''.join(_listing(below) for below in item.below)}</li>"


def _cell(cell: Cell) -> str:
    name = "th" if cell.header else "td"
    return f"<{name}{_alignment(cell.align)}>{line(cell.line)}</{name}>"


def _alignment(align: Align) -> str:
    return f' data-align="{align.value}"' if align is not Align.START else ""


def _inline(inline: Inline) -> str:
    match inline:
        case Run():
            return _marked(escape(inline.text, quote=False), inline.marks)
        case FieldPlace():
            name = escape(inline.name)
            return _marked(f'<span data-field="{name}">{name}</span>', inline.marks)
        case LineBreak():
            return "<br>"


def _marked(content: str, marks: frozenset[TextMark]) -> str:
    for mark in reversed(TextMark):
        if mark in marks:
            content = f"<{mark.value}>{content}</{mark.value}>"
    return content


LARGEST = 1024 * 1024
"""Bytes (UTF-8) of a text: three hundred pages of Chinese."""

DEEPEST = 200
"""Elements inside each other; editors make a few, only attacks make hundreds."""

_EMPTY = frozenset({"br", "hr"})
_ALIGNED = frozenset({"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th"})
_OTHERS = """
    ul ol li table thead tbody tfoot tr caption strong b em i u ins span blockquote pre section article dl dt dd
"""
_TAGS = _ALIGNED | _EMPTY | frozenset(_OTHERS.split())
_WITHOUT_WORDS = "script style title template noscript iframe object svg math head textarea select"
_ATTRIBUTES = {"span": {"data-field"}, **{name: {"align", "data-align"} for name in _ALIGNED}}


def read_markup(html: str) -> Blocks:
    """The elements of *html*. Raises :class:`DocumentRefused` (``too-large``, ``too-deep``) and reads nothing."""
    require_size(html)
    builder = _Builder()
    builder.feed(_reduced(html.encode(errors="replace").decode()))
    builder.close()
    return builder.finished()


def require_size(html: str) -> None:
    """Raises :class:`DocumentRefused` (``too-large``) for what :func:`read_markup` would not read."""
    size = len(html.encode(errors="surrogatepass"))
    if size > LARGEST:
        raise DocumentRefused(
            "too-large",
            "The text has {size} KB; at most {limit} KB can be written online. Split it, or upload it as a PDF.",
            size=f"{size // 1024:,}",
            limit=f"{LARGEST // 1024:,}",
        )


def _reduced(html: str) -> str:
    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_WITHOUT_WORDS.split()),
        attributes=_ATTRIBUTES,
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
        generic_attribute_prefixes=set(),
    )


_OTHER_MARKS = {"b": TextMark.STRONG, "i": TextMark.EMPHASIS, "ins": TextMark.UNDERLINE}
_MARKS = {mark.value: mark for mark in TextMark} | _OTHER_MARKS
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 3, "h5": 3, "h6": 3}
_BLOCKS = frozenset(["p", "div", "blockquote", "pre", "section", "article", "dl", "dt", "dd", "caption"])
_DEEPEST_LIST = 4


@dataclass(slots=True)
class _OpenList:
    """A list whose end has not come."""

    ordered: bool
    items: list[ListItem] = field(default_factory=list)


@dataclass(slots=True)
class _OpenTable:
    """A table whose end has not come; ``cell`` is the kind of the open cell."""

    rows: list[list[Cell]] = field(default_factory=list)
    cell: str = ""


class _Builder(HTMLParser):
    """Makes blocks of elements that ``nh3`` has closed, in the order of the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._depth = 0
        self._blocks: list[Block] = []
        self._line: list[Inline] = []
        self._heading = 0
        self._align = Align.START
        self._marks: list[TextMark] = []
        self._lists: list[_OpenList] = []
        self._table: _OpenTable | None = None
        self._spans: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._depth += tag not in _EMPTY
        if self._depth > DEEPEST:
            raise DocumentRefused("too-deep", "The text is nested too deeply; paste it without its formatting.")
        if tag in _MARKS:
            self._marks.append(_MARKS[tag])
        elif tag == "br":
            self._line.append(LineBreak())
        elif tag == "span":
            self._open_span(attributes.get("data-field", ""))
        elif tag in ("td", "th"):
            self._open_cell(tag, attributes)
        elif self._table is not None:
            self._open_in_table(tag)
        elif tag in ("ul", "ol"):
            self._end_line()
            self._lists.append(_OpenList(tag == "ol"))
        else:
            self._open_block(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY:
            return
        self._depth -= 1
        if tag in _MARKS:
            self._marks.pop()
        elif tag == "span":
            self._spans.pop()
        elif tag in ("td", "th") and self._table is not None:
            self._close_cell()
        elif tag == "table" and self._table is not None:
            self._close_table()
        elif self._table is not None:
            self._break_in_cell(tag)
        elif tag in ("ul", "ol"):
            self._close_list()
        elif tag in _BLOCKS or tag in _HEADINGS or tag == "li":
            self._end_line()

    def handle_data(self, data: str) -> None:
        if any(self._spans):  # inside a merge field words are only its name
            return
        words = in_one_line(data)
        if words.strip(" ") or (words and self._line):  # blanks between elements are not words
            self._line.append(Run(words, frozenset(self._marks)))

    def finished(self) -> Blocks:
        """The blocks. Nothing may be open."""
        self._end_line()
        return tuple(self._blocks)

    def _open_span(self, name: str) -> None:
        known = name if FIELD_NAME.fullmatch(name) else ""
        if known and not any(self._spans):
            self._line.append(FieldPlace(known, frozenset(self._marks)))
        self._spans.append(known)

    def _open_block(self, tag: str, attributes: dict[str, str]) -> None:
        inside_list = tag in _BLOCKS and self._lists
        if inside_list and self._line:
            self._line.append(LineBreak())  # a paragraph in an item
            return
        if inside_list:
            return
        self._end_line()
        if tag == "table":
            self._end_lists()
            self._table = _OpenTable()
        elif tag == "hr":
            self._end_lists()
            self._blocks.append(PageBreak())
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._heading = _HEADINGS.get(tag, 0)
            self._align = _align(attributes)

    def _open_cell(self, tag: str, attributes: dict[str, str]) -> None:
        if self._table is None or self._table.cell:
            return
        self._line = []
        if not self._table.rows:
            self._table.rows.append([])
        self._table.cell = tag
        self._align = _align(attributes)

    def _open_in_table(self, tag: str) -> None:
        table = self._table
        if table is not None and tag == "tr" and not table.cell:
            table.rows.append([])
        elif table is not None and table.cell:
            self._break_in_cell(tag)

    def _break_in_cell(self, tag: str) -> None:
        """Paragraphs and items in a cell become its lines."""
        apart = tag in _BLOCKS or tag in _HEADINGS or tag == "li"
        if apart and self._line and not isinstance(self._line[-1], LineBreak):
            self._line.append(LineBreak())

    def _close_cell(self) -> None:
        table = self._table
        if table is None or not table.cell:
            return
        table.rows[-1].append(Cell(tidy(self._line), table.cell == "th", self._align))
        table.cell = ""
        self._line, self._align = [], Align.START

    def _close_table(self) -> None:
        table, self._table = self._table, None
        rows = [row for row in table.rows if row] if table else []
        columns = max((len(row) for row in rows), default=0)
        if columns:
            self._blocks.append(Table(tuple(_filled(row, columns) for row in rows)))
        self._line = []

    def _close_list(self) -> None:
        self._end_line()
        done = self._lists.pop() if self._lists else _OpenList(ordered=False)
        if not done.items:
            return
        listing = TextList(done.ordered, tuple(done.items))
        if not self._lists:
            self._blocks.append(listing)
        elif self._lists[-1].items and len(self._lists) < _DEEPEST_LIST:
            last = self._lists[-1].items[-1]
            self._lists[-1].items[-1] = ListItem(last.line, (*last.below, listing))
        else:
            self._lists[-1].items.extend(done.items)

    def _end_lists(self) -> None:
        """A table or page break inside a list ends the list: neither has a place in an item."""
        depth = len(self._lists)
        shapes = [one.ordered for one in self._lists]
        while self._lists:
            self._close_list()
        self._lists = [_OpenList(ordered) for ordered in shapes[:depth]]

    def _end_line(self) -> None:
        """What has been written so far becomes an item, a heading or a paragraph."""
        line = tidy(self._line)
        meant = bool(self._line)
        heading, align = self._heading, self._align
        self._line, self._heading, self._align = [], 0, Align.START
        if self._lists:
            if line:
                self._lists[-1].items.append(ListItem(line))
        elif heading and line:
            self._blocks.append(TextHeading(heading, line, align))
        elif line or (meant and not heading):
            self._append_paragraph(line, align, written=bool(line))

    def _append_paragraph(self, line: Line, align: Align, *, written: bool) -> None:
        blank_before = bool(self._blocks) and self._blocks[-1] == Paragraph(())
        if written or not blank_before:
            self._blocks.append(Paragraph(line, align if written else Align.START))


def _align(attributes: dict[str, str]) -> Align:
    asked = attributes.get("data-align") or attributes.get("align", "")
    return Align(asked) if asked in tuple(Align) else Align.START


def _filled(row: list[Cell], columns: int) -> tuple[Cell, ...]:
    missing = [Cell((), row[-1].header)] * (columns - len(row))
    return (*row, *missing)
