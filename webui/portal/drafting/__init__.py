"""New contracts: where the text comes from, then four steps to a contract that is sent."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.drafting import check, document, fields, parties, upload
from webui.portal.drafting.controller import DraftController
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/new`` and ``/contracts/<id>/draft/…``."""
    pages = Blueprint("drafting", __name__)
    controller = DraftController(parts)
    for step in (upload, document, parties, fields, check):
        step.install(pages, controller)
    return pages
