"""Contracts as people meet them: one contract's page, its files, and the acts on it."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.contracts.actions import add_action_pages
from webui.portal.contracts.files import add_file_pages, add_revision_pages
from webui.portal.contracts.page import add_contract_page, add_resending_page
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/ID`` and what lies below it."""
    pages = Blueprint("contracts", __name__, url_prefix="/contracts")
    for add_pages in (
        add_contract_page,
        add_file_pages,
        add_action_pages,
        add_resending_page,
        add_revision_pages,
    ):
        add_pages(pages, parts)
    return pages
