"""The first page: what this machine does for whom, with the log's state at a glance."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """``/``."""
    pages = Blueprint("home", __name__)

    @pages.get("/")
    def home() -> str:
        return render_template("home.html", checkpoint=parts.proofs.latest())

    return pages
