"""From whatever HTML was typed or pasted to the closed set of elements.

1. ``nh3`` reduces it to a list of elements and attributes that word processors and browsers use for structure:
   scripts, styles, links, pictures, comments are gone before anything of ours looks at it.
2. What is left is read into the values of :mod:`appliance.writing.elements`; whatever has no place there (a
   ``div``, a list inside a table) keeps its words and loses its form.
3. Those values are written anew (:mod:`markup`): nothing of the sender's markup survives, by construction.
"""

from __future__ import annotations

from html.parser import HTMLParser

import nh3

from appliance.errors import DocumentRefused
from appliance.writing import building
from appliance.writing.elements import Blocks

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
