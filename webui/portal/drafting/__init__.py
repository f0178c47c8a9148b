"""New contracts: where the text comes from, then four steps to a contract that is sent."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.drafting.check import add_check_step
from webui.portal.drafting.controller import DraftController
from webui.portal.drafting.document import add_document_step
from webui.portal.drafting.fields import add_fields_step
from webui.portal.drafting.parties import add_parties_step
from webui.portal.drafting.upload import add_upload_pages
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """``/contracts/new`` and ``/contracts/<id>/draft/…``."""
    pages = Blueprint("drafting", __name__)
    controller = DraftController(parts)
    for add_pages in (
        add_upload_pages,
        add_document_step,
        add_parties_step,
        add_fields_step,
        add_check_step,
    ):
        add_pages(pages, controller)
    return pages
