"""Sentences on pages: what stands between backquotes in the catalogue is a command, and set as one."""

from __future__ import annotations

from flask import Flask
from markupsafe import Markup, escape


def install(app: Flask) -> None:
    """Gives the templates of *app* the filter ``coded``."""
    app.jinja_env.filters["coded"] = coded


def coded(sentence: str) -> Markup:
    """*sentence* with its commands in ``<code>``; a backquote without its fellow stays as it is."""
    parts = str(sentence).split("`")
    if len(parts) % 2 == 0:
        return escape(sentence)
    told = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
    return Markup("").join(told)
