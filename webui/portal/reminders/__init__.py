"""Pages of reminders: notices, what one wishes, dates of a contract, what became of mail, calendars."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.reminders import calendars, dates, deliveries, notices, preferences


def blueprint(parts: PortalParts) -> Blueprint:
    """``/notices``, ``/settings/reminders``, ``/calendar/…``, ``/contracts/ID/dates`` and ``…/mail``."""
    pages = Blueprint("reminders", __name__)
    for area in (notices, preferences, calendars, dates, deliveries):
        area.add(pages, parts)
    return pages
