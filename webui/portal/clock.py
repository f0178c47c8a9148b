"""``/clock``: all that is known of the time."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template

from webui.shared.clock import ClockView


def blueprint(view: ClockView, *, address: str) -> Blueprint:
    """The page. *address* is the public one, for programs."""
    pages = Blueprint("clock", __name__)

    @pages.get("/clock")
    def page() -> str:
        now = datetime.now(UTC).replace(microsecond=0)
        return render_template("clock.html", report=view.report(), now=now, address=address)

    return pages
