"""Writing online: texts (``/writing/…``) and templates (``/templates/…``)."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.writing.context import WritingContext
from webui.portal.writing.editor import add_editor_pages
from webui.portal.writing.fields import add_merge_field_pages
from webui.portal.writing.filling import add_filling_pages
from webui.portal.writing.templates import add_preview_pages, add_template_pages


def blueprint(parts: PortalParts) -> Blueprint:
    """All addresses of this area; they are for initiators."""
    pages = Blueprint("writing", __name__)
    context = WritingContext(parts)
    for add_pages in (
        add_editor_pages,
        add_merge_field_pages,
        add_filling_pages,
        add_preview_pages,
        add_template_pages,
    ):
        add_pages(pages, context)
    return pages
