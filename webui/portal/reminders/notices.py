"""``/notices``: what the visitor was told, what still waits first; and how much of it is new, on every page."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from appliance.errors import StorageError
from webui.portal.access import visitor_or_none
from webui.portal.accounts.settings import owner
from webui.portal.parts import PortalParts
from webui.shared.language import current_language

MOST = 99
"""What is more is shown as so many and more."""


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses, and ``unseen_notices()`` for the frame of all pages."""
    inbox = parts.appliance.reminders.inbox

    @pages.app_context_processor
    def for_the_frame() -> dict[str, object]:
        return {"unseen_notices": unseen}

    def unseen() -> str:
        """How many notices are new to the visitor; empty for none."""
        try:
            someone = visitor_or_none()
            count = 0 if someone is None or someone.guest_of is not None else inbox.count_unseen(someone.subject)
        except StorageError:  # the page that says so has a frame, too
            return ""
        return "" if count == 0 else str(count) if count <= MOST else f"{MOST}+"

    @pages.get("/notices")
    def notices() -> str:
        who = owner()
        entries = inbox.list_entries(who.subject, current_language())
        return render_template("reminders/notices.html", entries=entries, now=parts.now())

    @pages.post("/notices/seen")
    def seen() -> Response:
        inbox.mark_seen(owner().subject, _shown_until(parts.now()))
        return redirect("/notices", 303)


def _shown_until(now: datetime) -> datetime:
    """The moment at which the page was made: never later than *now*, which stands for what is no moment."""
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return now
    return min(until, now) if until.tzinfo and until.year > 2000 else now
