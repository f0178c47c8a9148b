"""Signing in the browser: the signing page, the agreement before it, requests for seals, guests from outside."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.signing.agreement import add_agreement_pages
from webui.portal.signing.guest_entry import add_guest_entry_pages
from webui.portal.signing.guests import add_guest_credential_pages, add_guest_settings_pages
from webui.portal.signing.inviting import add_correction_pages, add_invitation_pages
from webui.portal.signing.page import add_signing_pages
from webui.portal.signing.seals import add_seal_request_pages, add_seal_use_pages
from webui.portal.signing.sheet import add_signed_page_picture


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/ID/sign``, ``/agreement``, ``/seals/requests``, ``/guest/…``."""
    pages = Blueprint("signing", __name__)
    for add_pages in (
        add_signing_pages,
        add_signed_page_picture,
        add_agreement_pages,
        add_seal_request_pages,
        add_seal_use_pages,
        add_guest_entry_pages,
        add_guest_settings_pages,
        add_guest_credential_pages,
        add_invitation_pages,
        add_correction_pages,
    ):
        add_pages(pages, parts)
    return pages
