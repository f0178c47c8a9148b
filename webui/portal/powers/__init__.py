"""``/powers``: the register of powers of attorney: list, register, verify, revoke."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.powers import page, registering


def blueprint(parts: PortalParts) -> Blueprint:
    """All pages below ``/powers``."""
    pages = Blueprint("powers", __name__, url_prefix="/powers")
    for room in (registering, page):
        room.install(pages, parts)
    return pages
