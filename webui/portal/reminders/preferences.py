"""``/settings/reminders``: quiet hours, one mail a day, and the address of the own calendar."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused
from appliance.model.notice import ReminderPreferences
from appliance.reminders.preferences import parse_preferences
from webui.portal.accounts.settings import owner
from webui.portal.parts import PortalParts
from webui.shared.forms import field, sentence
from webui.shared.language import translate

ADDRESS = "/settings/reminders"
FIELDS = ("quiet_start", "quiet_until", "daily")

View = BaseResponse | str


def add(pages: Blueprint, parts: PortalParts) -> None:
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
