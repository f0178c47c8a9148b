"""Elements as HTML: the only form in which texts are stored, sent to the editor, and typeset.

HTML that was typed or pasted is read in three steps. 1. ``nh3`` reduces it to the elements and attributes that
word processors and browsers use for structure: scripts, styles, links, pictures, comments are removed first. 2.
The rest becomes values of :mod:`appliance.writing.elements`; what has no place there (a ``div``, a list inside
a table) keeps its words and loses its form. 3. Those values are written anew, so that nothing of the sender's
markup is left.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

import nh3

from appliance.errors import DocumentRefused
from appliance.writing import building
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
)

_OUTSIDE_IN = (TextMark.STRONG, TextMark.EMPHASIS, TextMark.UNDERLINE)


def markup(blocks: Blocks) -> str:
    """The HTML of *blocks*, one block a line; the same blocks always give the same text."""
    return "\n".join(_block(block) for block in blocks)


def line(inlines: Line) -> str:
    """The HTML of what stands in one paragraph, item or cell."""
    return "".join(_inline(inline) for inline in inlines)


def _block(block: Block) -> str:
    match block:
        case TextHeading():
            return f"<h{block.level}{_align(block.align)}>{line(block.line)}</h{block.level}>"
        case Paragraph():
            return f"<p{_align(block.align)}>{line(block.line) or '<br>'}</p>"
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
    return f"<{name}{_align(cell.align)}>{line(cell.line)}</{name}>"


def _align(align: Align) -> str:
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
    for mark in reversed(_OUTSIDE_IN):
        if mark in marks:
            content = f"<{mark.value}>{content}</{mark.value}>"
    return content


LARGEST = 1024 * 1024
"""Bytes (UTF-8) of a text: three hundred pages of Chinese."""

DEEPEST = 200
"""Elements inside each other; editors make a few, only attacks make hundreds."""

_EMPTY = frozenset({"br", "hr"})
_ALIGNED = frozenset({"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th"})
_TAGS = (
    _ALIGNED
    | _EMPTY
    | frozenset(
        [
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "caption",
            "strong",
            "b",
            "em",
            "i",
            "u",
            "ins",
            "span",
            "blockquote",
            "pre",
            "section",
            "article",
            "dl",
            "dt",
            "dd",
        ]
    )
)
_WITHOUT_WORDS = frozenset(
    [
        "script",
        "style",
        "title",
        "template",
        "noscript",
        "iframe",
        "object",
        "svg",
        "math",
        "head",
        "textarea",
        "select",
    ]
)
_ATTRIBUTES = {
    **{name: {"align", "data-align"} for name in _ALIGNED},
    "span": {"data-field"},
}


def read_markup(html: str) -> Blocks:
    """The elements of *html*. Raises :class:`DocumentRefused` (``too-large``, ``too-deep``) and reads nothing."""
    size = len(html.encode(errors="surrogatepass"))
    if size > LARGEST:
        raise DocumentRefused(
            "too-large",
            "The text has {size} KB; at most {limit} KB can be written online. Split it, or upload it as a PDF.",
            size=f"{size // 1024:,}",
            limit=f"{LARGEST // 1024:,}",
        )
    parser = _Parser()
    parser.feed(_reduced(html.encode(errors="replace").decode()))
    parser.close()
    return parser.builder.finished()


def _reduced(html: str) -> str:
    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_WITHOUT_WORDS),
        attributes=_ATTRIBUTES,
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
        generic_attribute_prefixes=set(),
    )


class _Parser(HTMLParser):
    """Tells the builder what opens, what closes and what is written; ``nh3`` has closed everything."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = building.Builder()
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _EMPTY:
            self._depth += 1
        if self._depth > DEEPEST:
            raise DocumentRefused("too-deep", "The text is nested too deeply; paste it without its formatting.")
        self.builder.open(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            self._depth -= 1
            self.builder.close(tag)

    def handle_data(self, data: str) -> None:
        self.builder.write(data)
