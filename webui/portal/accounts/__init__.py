"""Pages of accounts: signing in, setting up and recovering an account, and one's own settings."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.accounts import arrival, entrance, login_code, means, own_passkeys, settings
from webui.portal.parts import PortalParts

__all__ = ["blueprint"]


def blueprint(parts: PortalParts) -> Blueprint:
    """``/login``, ``/logout``, ``/welcome/…``, ``/recover/…``, ``/settings/…``."""
    pages = Blueprint("accounts", __name__)
    for area in (entrance, arrival, settings, login_code, own_passkeys, means):
        area.add(pages, parts)
    return pages
