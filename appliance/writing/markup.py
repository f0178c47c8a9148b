"""Elements as HTML: the only form in which texts are stored, sent to the editor, and typeset."""

from __future__ import annotations

from html import escape

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
