"""``/runbook/PAGE``: what an alarm means and what to do, as the documentation has it, readable on the spot.

Pages are Markdown (CommonMark): headings, paragraphs, lists, code and bold words. Raw HTML is shown as text. Of a
link only the words are shown: its address leads to files that the console does not serve.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from flask import Blueprint, render_template
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from appliance.language import Language
from webui.console.access import visitor
from webui.shared.language import current_language

_NAME = re.compile(r"[a-z][a-z0-9-]{0,60}")
FOLDERS = (Path(sys.prefix, "share/doc/vermilion/runbook"), Path(__file__).parents[2] / "docs/runbook")
"""Where a release keeps them, and where a checkout does."""

_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_RULES = ("heading", "list", "fence", "backticks", "link")
_MARKDOWN = MarkdownIt("zero", {"html": False}).enable(list(_RULES))


blueprint = Blueprint("runbook", __name__)


@blueprint.get("/runbook/<name>")
def page(name: str) -> str:
    """The page, in the reader's language where there is one."""
    visitor()
    text, spoken = read_page(name, current_language())
    title, content = render_page(text)
    return render_template("runbook.html", title=title, content=content, spoken=spoken)


def has_page(name: str) -> bool:
    """Whether there is a page of this name."""
    return any((folder / f"{name}.md").is_file() for folder in FOLDERS)


def read_page(name: str, language: Language) -> tuple[str, str]:
    """The Markdown of the page *name*, and the language that it is in. Raises :class:`NotFound`."""
    if not _NAME.fullmatch(name):
        raise NotFound
    wanted = [(f"{name}.zh.md", "zh-CN")] * (language is Language.CHINESE) + [(f"{name}.md", "en")]
    for file, spoken in wanted:
        for folder in FOLDERS:
            if (folder / file).is_file():
                return (folder / file).read_text(encoding="utf-8"), spoken
    raise NotFound


def render_page(text: str) -> tuple[str, Markup]:
    """The title of a page, which its first heading is, and the rest of it as HTML."""
    tokens = _MARKDOWN.parse(text)
    title = ""
    if tokens and tokens[0].type == "heading_open":
        title = "".join(each.content for each in tokens[1].children or [])
        tokens = tokens[3:]
    for token in tokens:
        _set_look(token)
    # markdown-it escapes all text, and no rule for raw HTML is enabled.
    return title, Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704


def _set_look(token: Token) -> None:
    """Gives *token* the elements and classes of our style sheet."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = "h2"
    token.children = _without_links(token.children) if token.children else token.children


def _without_links(children: Sequence[Token]) -> list[Token]:
    return [each for each in children if each.type not in ("link_open", "link_close")]


def _fence(_renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Commands as the console shows them: without the last line end, and reached by the keyboard to scroll."""
    code = Markup.escape(tokens[index].content.removesuffix("\n"))
    return f'<pre class="commands" tabindex="0"><code>{code}</code></pre>\n'


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


_MARKDOWN.inline.ruler.after("text", "strong", _strong)
_MARKDOWN.add_render_rule("fence", _fence)
_MARKDOWN.parse("- a **b** `c`")  # compiles the rules now: two threads at once would see them half done
