"""``/runbook/PAGE``: what an alarm means and what to do, as the documentation has it, readable on the spot."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound

from appliance.language import Language
from webui.console.access import visitor
from webui.shared.language import current_language
from webui.shared.markdown import render_markdown

_NAME = re.compile(r"[a-z][a-z0-9-]{0,60}")
FOLDERS = (Path(sys.prefix, "share/doc/vermilion/runbook"), Path(__file__).parents[2] / "docs/runbook")
"""Where a release keeps them, and where a checkout does."""

blueprint = Blueprint("runbook", __name__)


@blueprint.get("/runbook/<name>")
def page(name: str) -> str:
    """The page, in the reader's language where there is one."""
    visitor()
    text, spoken = read_page(name, current_language())
    title, content = render_markdown(text, links=True)
    return render_template("runbook.html", title=title, content=content, spoken=spoken)


def has_page(name: str) -> bool:
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
