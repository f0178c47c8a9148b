"""Contracts as people meet them: one contract's page, its files, and the acts on it."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.contracts import actions, files, page, resending, revisions
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/ID`` and what lies below it."""
    pages = Blueprint("contracts", __name__, url_prefix="/contracts")
    page.install(pages, parts)
    files.install(pages, parts)
    actions.install(pages, parts)
    resending.install(pages, parts)
    revisions.install(pages, parts)
    return pages
