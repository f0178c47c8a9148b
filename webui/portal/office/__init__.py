"""``/office`` and ``/setup``: officers register people and seals; auditors may read."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.office.people import add_people_pages
from webui.portal.office.requests import add_decision_pages, add_overview_page, add_request_pages
from webui.portal.office.retention import add_retention_pages
from webui.portal.office.seals import add_seal_pages
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """All pages below ``/office``."""
    pages = Blueprint("office", __name__, url_prefix="/office")
    for add_pages in (
        add_overview_page,
        add_people_pages,
        add_request_pages,
        add_seal_pages,
        add_decision_pages,
        add_retention_pages,
    ):
        add_pages(pages, parts)
    return pages
