"""The package's templates: texts per language, and the history's pages."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("appliance.evidence", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill_html(name: str, **values: Any) -> str:
    """The template *name* (``.html`` escapes what it is given, ``.txt`` does not) with its *values*."""
    return _environment().get_template(name).render(**values)


def fill_text(text: str) -> str:
    """*text* on one line and without control characters, so that a title cannot pose as a line of its own."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
