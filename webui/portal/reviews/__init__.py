"""The content check on pages: for reviewers their queue and the cases in it, for readers the result."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.reviews.cases import add_case_pages, add_result_page


def blueprint(parts: PortalParts) -> Blueprint:
    """``/reviews``, ``/reviews/CONTRACT``, ``/contracts/CONTRACT/review``."""
    pages = Blueprint("reviews", __name__)
    for add_pages in (
        add_case_pages,
        add_result_page,
    ):
        add_pages(pages, parts)
    return pages
