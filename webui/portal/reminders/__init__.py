"""Pages of reminders: notices, what one wishes, dates of a contract, what became of mail, calendars."""

from __future__ import annotations

from flask import Blueprint

from webui.portal.parts import PortalParts
from webui.portal.reminders.dates import add_date_pages, add_delivery_pages
from webui.portal.reminders.notices import add_calendar_page, add_notice_pages, add_preference_pages


def blueprint(parts: PortalParts) -> Blueprint:
    """``/notices``, ``/settings/reminders``, ``/calendar/…``, ``/contracts/ID/dates`` and ``…/mail``."""
    pages = Blueprint("reminders", __name__)
    for add_pages in (
        add_notice_pages,
        add_preference_pages,
        add_calendar_page,
        add_date_pages,
        add_delivery_pages,
    ):
        add_pages(pages, parts)
    return pages
