"""Writing online: texts (``/writing/…``) and templates (``/templates/…``)."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.writing import editor, fields, filling, previewing, templates
from webui.portal.writing.context import WritingContext


def blueprint(parts: PortalParts) -> Blueprint:
    """All addresses of this area; they are for initiators."""
    pages = Blueprint("writing", __name__)
    context = WritingContext(parts)
    for each in (editor, fields, filling, previewing, templates):
        each.install(pages, context)
    return pages
