"""``/mark``: the organisation's mark, for the header of every page; a picture and nothing else."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from appliance.config import Settings
from webui.shared.form_pages import Answer

POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An SVG that is opened by itself is a document: it may style itself, and can run, load and send nothing."""


def blueprint(settings: Settings) -> Blueprint:
    """The picture as it was when the portal started."""
    pages = Blueprint("mark", __name__)
    mark = settings.mark()

    @pages.get("/mark")
    def picture() -> Answer:
        if mark is None:
            raise NotFound
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"}
        return Response(mark.content, mimetype=mark.content_type, headers=headers)

    @pages.app_context_processor
    def address() -> dict[str, object]:
        """``own_mark``: the address of the organisation's mark, or None for the appliance's own."""
        return {"own_mark": None if mark is None else "/mark"}

    return pages
