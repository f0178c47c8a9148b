"""``/office`` and ``/setup``: officers register people and seals; auditors may read."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.office import decisions, listing, people, requests, retention, seals
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """All pages below ``/office``."""
    pages = Blueprint("office", __name__, url_prefix="/office")
    for room in (listing, people, requests, seals, decisions, retention):
        room.install(pages, parts)
    return pages
