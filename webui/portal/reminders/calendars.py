"""``/calendar/TOKEN.ics``: somebody's own calendar (RFC 5545), for programs that cannot sign in."""

from __future__ import annotations

from flask import Blueprint, Response

from webui.portal.parts import PortalParts


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The address."""
    feeds = parts.appliance.reminders.feeds

    @pages.get("/calendar/<token>.ics")
    def calendar(token: str) -> Response:
        content = feeds.render_feed(token)
        response = Response(content, content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = 'inline; filename="contracts.ics"'
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
