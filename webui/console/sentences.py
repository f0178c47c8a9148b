"""Sentences on pages: what stands between backquotes in the catalogue is a command, and set as one; what somebody
typed is set apart, and is never a command."""

from __future__ import annotations

import re

from flask import Flask
from markupsafe import Markup, escape

from appliance.administration.action import quoted_argument

_BEGIN, _END = "\ue000", "\ue001"
"""For private use, so that no argument holds them (:meth:`appliance.administration.action.Argument.checked`)."""

_GIVEN = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")


def install(app: Flask) -> None:
    """Gives the templates of *app* the filter ``coded``."""
    app.jinja_env.filters["coded"] = coded


def mark_typed(value: str) -> str:
    """*value*, which somebody typed, for a sentence that goes through :func:`coded`."""
    return f"{_BEGIN}{quoted_argument(value)}{_END}"


def coded(sentence: str) -> Markup:
    """*sentence* with its commands in ``<code>`` and what is :func:`mark_typed` in ``<span class="given">``; a
    backquote without its fellow stays as it is."""
    pieces = _GIVEN.split(str(sentence))
    told = (
        Markup('<span class="given">{}</span>').format(piece) if number % 2 else _commands(piece)
        for number, piece in enumerate(pieces)
    )
    return Markup("").join(told)


def _commands(words: str) -> Markup:
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return escape(words)
    told = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
    return Markup("").join(told)
