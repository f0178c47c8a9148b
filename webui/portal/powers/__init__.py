"""``/powers``: the register of powers of attorney: list, register, verify, revoke."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.powers.page import add_power_pages
from webui.portal.powers.registering import add_registration_pages


def blueprint(parts: PortalParts) -> Blueprint:
    """All pages below ``/powers``."""
    pages = Blueprint("powers", __name__, url_prefix="/powers")
    for add_pages in (
        add_registration_pages,
        add_power_pages,
    ):
        add_pages(pages, parts)
    return pages
