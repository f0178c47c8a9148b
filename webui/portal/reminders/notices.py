"""``/notices``: what the visitor was told, what still waits first; and how much of it is new, on every page.

``/settings/reminders``: which reminders the visitor wants, and the address of a calendar (``/calendar/…``).
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused, StorageError
from appliance.model.notice import ReminderPreferences
from appliance.reminders.services import parse_preferences
from webui.portal.access import visitor_or_none
from webui.portal.accounts.settings import owner
from webui.portal.parts import PortalParts
from webui.shared.forms import field, sentence
from webui.shared.language import current_language, translate

MOST = 99
"""What is more is shown as so many and more."""


def add_notice_pages(pages: Blueprint, parts: PortalParts) -> None:
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
        return render_template("reminders/notices.html", entries=entries, now=parts.appliance.now())

    @pages.post("/notices/seen")
    def seen() -> BaseResponse:
        inbox.mark_seen(owner().subject, _shown_until(parts.appliance.now()))
        return redirect("/notices", 303)


def _shown_until(now: datetime) -> datetime:
    """The moment at which the page was made: never later than *now*, which stands for what is no moment."""
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return now
    return min(until, now) if until.tzinfo and until.year > 2000 else now


def add_calendar_page(pages: Blueprint, parts: PortalParts) -> None:
    """The address."""
    feeds = parts.appliance.reminders.feeds

    @pages.get("/calendar/<token>.ics")
    def calendar(token: str) -> Response:
        content = feeds.render_feed(token)
        response = Response(content, content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = 'inline; filename="contracts.ics"'
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


ADDRESS = "/settings/reminders"
FIELDS = ("quiet_start", "quiet_until", "daily")

View = BaseResponse | str


def add_preference_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    desk = parts.appliance.reminders

    def page(typed: dict[str, str], problems: dict[str, str], *, fresh: str = "", status: int = 200) -> Response:
        who = owner()
        shown = render_template(
            "reminders/wishes.html",
            typed=typed,
            problems=problems,
            person=parts.appliance.registry.person(who.subject),
            rules=parts.appliance.policy.default.reminders,
            calendar=desk.calendar.name,
            feed=desk.feeds.current_feed(who.subject),
            fresh=fresh,
            done=translate()("Your wishes are saved.") if request.args.get("done") else "",
        )
        return make_response(shown, status)

    @pages.get(ADDRESS)
    def wishes() -> View:
        return page(_typed(desk.preferences.load_preferences(owner().subject)), {})

    @pages.post(ADDRESS)
    def keep() -> View:
        who = owner()
        given = {name: field(name, 5) for name in FIELDS}
        try:
            desk.preferences.save_preferences(who.subject, parse_preferences(*(given[name] for name in FIELDS)))
        except PreconditionRefused as refusal:
            return page(given, {"quiet_start": sentence(refusal)}, status=422)
        return redirect(f"{ADDRESS}?done=1", 303)

    @pages.post(f"{ADDRESS}/calendar")
    def renew() -> View:
        """The address is in this answer and nowhere else: it is a secret that is kept by its digest."""
        who = owner()
        fresh = desk.feeds.renew_feed(who.subject)
        return page(_typed(desk.preferences.load_preferences(who.subject)), {}, fresh=fresh)

    @pages.post(f"{ADDRESS}/calendar/end")
    def end() -> View:
        desk.feeds.end_feed(owner().subject)
        return redirect(f"{ADDRESS}#calendar", 303)


def _typed(wishes: ReminderPreferences) -> dict[str, str]:
    moments = (wishes.quiet and wishes.quiet.start, wishes.quiet and wishes.quiet.until, wishes.daily)
    return {name: f"{at:%H:%M}" if at else "" for name, at in zip(FIELDS, moments, strict=True)}
