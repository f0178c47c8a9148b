"""Our own texts in Markdown (CommonMark) as HTML: headings, paragraphs, lists, code and bold words. Raw HTML is
shown as text. Of a link in a page of the runbook only the words are shown: its address leads to files that are not
served. A text that is agreed to is shown whole, with the addresses and titles of its links, so that who accepts it
sees them. In the user guide links lead on, and there are pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from hsm.errors import Malformed

_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_RULES = ("heading", "list", "fence", "backticks", "newline")
_MARKUP = str.maketrans("", "", "#*`~-+.)")
"""The characters of which these rules make something else, and which are not shown then."""

_DIGITS = 3
"""Of the number of an item, in a text that somebody agrees to: nine could be a sum that the item speaks of."""


def render_markdown(text: str, *, links: bool = False) -> tuple[str, Markup]:
    """The title of *text*, which its first heading is, and the rest of it as HTML; of *links* the words alone."""
    parser = _LINKED if links else _PLAIN
    return _rendered(parser, parser.parse(text))


def render_whole(text: str) -> tuple[str, Markup]:
    """The same of a text that somebody agrees to, with the numbers that its lists have. Raises :class:`Malformed`
    for a text of which anything but its markup would not be there: the parser silently passes over all that
    follows a list within too many others, and browsers set numbers to the left of their items, long ones out of
    the window."""
    tokens = _PLAIN.parse(text)
    numbers = (each.info for each in tokens if each.type == "list_item_open")
    if _words(text) != _words("".join(map(_shown, tokens))) or any(len(each) > _DIGITS for each in numbers):
        raise Malformed("This text cannot be shown whole.")
    _number_items(tokens)
    return _rendered(_PLAIN, tokens)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A page of the user guide; ``sections`` are the ids of its headings with their words."""

    title: str
    sections: tuple[tuple[str, str], ...]
    content: Markup


def render_chapter(text: str, picture: Callable[[str], Mapping[str, str]]) -> Chapter:
    """The page of the guide that *text* is; *picture* gives the attributes of a picture by its name, and its title
    says how wide it is shown."""
    tokens = _CHAPTER.parse(text)
    sections: list[tuple[str, str]] = []
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h2":
            before.attrSet("id", f"s{len(sections) + 1}")
            sections.append((f"s{len(sections) + 1}", token.content))
        for each in token.children or ():
            if each.type == "image":
                each.attrs.update(picture(str(each.attrGet("src"))))
    title, content = _rendered(_CHAPTER, tokens)
    return Chapter(title, tuple(sections), content)


def _rendered(parser: MarkdownIt, tokens: list[Token]) -> tuple[str, Markup]:
    title = ""
    if tokens and tokens[0].type == "heading_open":
        title = "".join(each.content for each in tokens[1].children or [])
        tokens = tokens[3:]
    # markdown-it escapes all text, and no rule for raw HTML is enabled.
    return title, Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704


def _words(text: str) -> str:
    """*text* without blanks and what may be markup."""
    return "".join(text.translate(_MARKUP).split())


def _shown(token: Token) -> str:
    """What a page shows of *token*: its own content, or that of its parts; the number of an item, or what stands
    beside the beginning of a fence."""
    return f"{token.info} {''.join(each.content for each in token.children) if token.children else token.content}"


def _number_items(tokens: Sequence[Token]) -> None:
    """Items keep the numbers that they have in the text; browsers would count on from the first."""
    following: list[int] = []
    for token in tokens:
        if token.type in ("ordered_list_open", "bullet_list_open"):
            following.append(int(token.attrGet("start") or 1))
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            following.pop()
        elif token.type == "list_item_open" and token.info:
            number = int(token.info)
            if number != following[-1]:
                token.attrSet("value", str(number))
            following[-1] = number + 1


def _as(html: str) -> Callable[..., str]:
    """A rule of the renderer that gives *html* for a token, whatever its content."""
    return lambda *_: html


def _fence(_renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Commands as the console shows them: without the last line end, and reached by the keyboard to scroll."""
    code = Markup.escape(tokens[index].content.removesuffix("\n"))
    return f'<pre class="commands" tabindex="0"><code>{code}</code></pre>\n'


def _whole_fence(renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """The same with what stands beside the beginning, which says a language in the runbook, and anything at all in
    a text that somebody agrees to."""
    info = tokens[index].info.strip()
    return (f"<p>{Markup.escape(info)}</p>\n" if info else "") + _fence(renderer, tokens, index)


def _strong(state: StateInline, silent: bool) -> bool:
    """Bold words. CommonMark's own rule does not end them after Chinese punctuation before a character, as in
    ``**含义。**唯一``."""
    found = _BOLD.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("strong_open", "strong", 1)
        state.push("text", "", 0).content = found[1]
        state.push("strong_close", "strong", -1)
    state.pos = found.end()
    return True


def _softbreak(_renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """The end of a line that was wrapped: a blank, but none between two Chinese characters."""
    before, after = (each.content for each in (tokens[index - 1], tokens[index + 1]))
    return "\n" if before[-1:].isascii() or after[:1].isascii() else ""


def _figure(_renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """A picture, which opens larger where it is too small to be read."""
    attributes = dict(tokens[index].attrs)
    shape = attributes.pop("title", "wide")
    shown = " ".join(f'{name}="{Markup.escape(value)}"' for name, value in attributes.items() if name != "alt")
    words = Markup.escape(tokens[index].content)
    return f'<a class="shot {shape}" href="{Markup.escape(attributes["src"])}"><img {shown} alt="{words}"></a>'


def _chapters() -> MarkdownIt:
    made = MarkdownIt("zero", {"html": False}).enable([*_RULES, "link", "image"])
    made.inline.ruler.after("text", "strong", _strong)
    made.add_render_rule("softbreak", _softbreak)
    made.add_render_rule("image", _figure)
    made.parse("- a **b** `c`")
    return made


def _parser(*rules: str) -> MarkdownIt:
    made = MarkdownIt("zero", {"html": False}).enable([*_RULES, *rules])
    made.inline.ruler.after("text", "strong", _strong)
    made.add_render_rule("fence", _fence if "link" in rules else _whole_fence)
    made.add_render_rule("softbreak", _softbreak)
    for rule, html in {
        "heading_open": "<h2>",
        "heading_close": "</h2>\n",
        "link_open": "",
        "link_close": "",
    }.items():
        made.add_render_rule(rule, _as(html))
    made.parse("- a **b** `c`")  # compiles the rules now: two threads at once would see them half done
    return made


_PLAIN, _LINKED, _CHAPTER = _parser(), _parser("link"), _chapters()
