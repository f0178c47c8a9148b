"""The content check on pages: for reviewers their queue and the cases in it, for readers the result."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.reviews import cases, results


def blueprint(parts: PortalParts) -> Blueprint:
    """``/reviews``, ``/reviews/CONTRACT``, ``/contracts/CONTRACT/review``."""
    pages = Blueprint("reviews", __name__)
    cases.install(pages, parts)
    results.install(pages, parts)
    return pages
