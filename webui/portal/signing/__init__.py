"""Signing in the browser: the signing page, the agreement before it, requests for seals, guests from outside."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.signing import (
    agreement,
    correcting,
    guest_entry,
    guest_settings,
    guests,
    inviting,
    page,
    pictures,
    seal_uses,
    seals,
)


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/ID/sign``, ``/agreement``, ``/seals/requests``, ``/guest/…``."""
    pages = Blueprint("signing", __name__)
    for part in (
        page,
        pictures,
        agreement,
        seals,
        seal_uses,
        guest_entry,
        guest_settings,
        guests,
        inviting,
        correcting,
    ):
        part.install(pages, parts)
    return pages
