"""QR codes (ISO/IEC 18004) as SVG inside the page: a secret in a picture of its own would stand in an address."""

from __future__ import annotations

import segno
from flask import Flask
from markupsafe import Markup, escape

QUIET_ZONE = 4
"""Modules of white around the code; readers need them, in dark mode too."""


def install(app: Flask) -> None:
    """Gives the templates of *app* ``qr_code(text, title)``."""
    app.jinja_env.globals.update(qr_code=qr_code)


def qr_code(text: str, title: str) -> Markup:
    """*text* as an ``<svg>`` that readers of the page hear as *title*; black on white in every scheme."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        border=QUIET_ZONE, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    inner = drawn.strip().removeprefix("<svg")
    # segno's own markup: numbers and path data only. What people wrote is in the modules, not in the markup.
    return Markup('<svg role="img" aria-label="{}"').format(escape(title)) + Markup(inner)  # noqa: S704
