"""Pages of accounts: signing in, setting up and recovering an account, and one's own settings."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.accounts import account_setup, login, login_code, own_passkeys, settings, signing_credentials
from webui.portal.parts import PortalParts

__all__ = ["blueprint"]


def blueprint(parts: PortalParts) -> Blueprint:
    """``/login``, ``/logout``, ``/welcome/…``, ``/recover/…``, ``/settings/…``."""
    pages = Blueprint("accounts", __name__)
    for area in (login, account_setup, settings, login_code, own_passkeys, signing_credentials):
        area.add(pages, parts)
    return pages
