"""Pages of accounts: signing in, setting up and recovering an account, and one's own settings."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.accounts.account_setup import add_setup_pages
from webui.portal.accounts.factors import add_code_pages, add_passkey_pages, add_passkey_removal
from webui.portal.accounts.login import add_login_pages
from webui.portal.accounts.settings import add_settings_pages
from webui.portal.accounts.signing_credentials import add_credential_pages
from webui.portal.parts import PortalParts

__all__ = ["blueprint"]


def blueprint(parts: PortalParts) -> Blueprint:
    """``/login``, ``/logout``, ``/welcome/…``, ``/recover/…``, ``/settings/…``."""
    pages = Blueprint("accounts", __name__)
    for add_pages in (
        add_login_pages,
        add_setup_pages,
        add_settings_pages,
        add_code_pages,
        add_passkey_pages,
        add_passkey_removal,
        add_credential_pages,
    ):
        add_pages(pages, parts)
    return pages
