"""``/settings``: profile and password, and what else there is to the own account at a glance."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import NotAllowed, PreconditionRefused, SignInRefused, TooManyAttempts
from appliance.language import Language
from webui.portal import access
from webui.portal.access import PortalVisitor
from webui.portal.office.forms import unprintable_names
from webui.portal.parts import PortalParts
from webui.shared.forms import field, sentence
from webui.shared.language import NAMES, current_language, translate
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import LONGEST_PASSWORD, repeated_password

LONGEST_FIELD = 1000
"""Letters that are looked at; what is too long is refused by the rule for names, and stays in the form."""
ZONES = tuple(sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")))

DONE = {
    "profile": "Your profile is saved.",
    "password": "Your password is changed; all other sessions have ended.",
    "code": "Your new login code counts from now on.",
    "passkey": "The passkey is added; sign in with it from now on.",
    "removed": "The passkey is removed.",
    "session": "The session has ended.",
    "sessions": "All other sessions have ended.",
}
"""What the page says after an act, by the word in its address."""

View = BaseResponse | str


def zones(own: str) -> list[tuple[str, str]]:
    """What a form offers to somebody whose zone is *own*: that one too where it is not of the list, such as UTC,
    since a browser takes the first zone for a missing one, and saving another setting would store it."""
    offered = (own, *ZONES) if own in available_timezones() and own not in ZONES else ZONES
    return [(zone, zone) for zone in offered]


_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
_BROWSERS = ("MicroMessenger", "Edg", "OPR", "Firefox", "Chrome", "Safari")
_NAMES = {"Mac OS X": "macOS", "CrOS": "ChromeOS", "Edg": "Edge", "OPR": "Opera", "MicroMessenger": "WeChat"}


def device(agent: str) -> str:
    """What browser and system an agent line speaks of, such as “Chrome · Windows”; empty when it says nothing."""
    parts = [next((each for each in known if each in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(_NAMES.get(part, part) for part in parts if part)


def owner() -> PortalVisitor:
    """The visitor with an account of their own. Raises :class:`NotAllowed` for outside signers."""
    found = access.visitor()
    if found.guest_of is not None:
        raise NotAllowed("Outside signers have no account and no settings.")
    return found


def add_settings_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts, sessions = parts.appliance.accounts, parts.appliance.sessions

    def overview(problems: dict[str, str], status: int = 200) -> Response:
        who = owner()
        person = accounts.own.person(who.subject)
        typed = {
            "name": request.form.get("name", person.name)[:LONGEST_FIELD],
            "language": request.form.get("language", person.language),
            "zone": request.form.get("zone", person.zone),
        }
        page = render_template(
            "accounts/settings.html",
            person=person,
            account=accounts.administration.account(who.subject),
            name_stays=accounts.own.name_stays(who.subject),
            passkeys=accounts.own.passkeys(who.subject),
            sessions=[(session, device(session.agent)) for session in sessions.sessions_of(who.subject)],
            zones=zones(typed["zone"]),
            languages=NAMES,
            typed=typed,
            problems=problems,
            done=translate()(DONE[request.args["done"]]) if request.args.get("done") in DONE else "",
        )
        return make_response(page, status)

    @pages.get("/settings")
    def settings() -> View:
        return overview({})

    @pages.post("/settings/profile")
    def profile() -> View:
        who = owner()
        chosen = field("language", 5)
        problems = unprintable_names(parts.appliance.workshop, {"name": field("name", LONGEST_FIELD)})
        if problems:
            return overview(problems, 422)
        try:
            accounts.own.change_profile(
                who.subject,
                name=field("name", LONGEST_FIELD),
                language=Language(chosen) if chosen in tuple(Language) else current_language(),
                zone=field("zone", 60),
            )
        except PreconditionRefused as refusal:
            return overview({"zone" if "zone" in refusal.values else "name": sentence(refusal)}, 422)
        return redirect(url_for("accounts.settings", done="profile"), 303)

    @pages.post("/settings/password")
    def change_password() -> View:
        who = owner()
        new, problems = repeated_password()
        if problems:
            return overview(problems, 422)
        try:
            accounts.sign_in.confirm_password(who.subject, field("old", LONGEST_PASSWORD), client_info())
        except (SignInRefused, TooManyAttempts) as refusal:
            return overview({"old": sentence(refusal)}, 422 if isinstance(refusal, SignInRefused) else 429)
        try:
            accounts.own.change_password(who.subject, new, session=who.session)
        except PreconditionRefused as refusal:
            return overview({"password": sentence(refusal)}, 422)
        return redirect(url_for("accounts.settings", done="password"), 303)

    @pages.post("/settings/sessions/end")
    def end_session() -> View:
        who = owner()
        sessions.revoke_session(field("session", 64), by=who.subject)
        return redirect(url_for("accounts.settings", done="session", _anchor="sessions"), 303)

    @pages.post("/settings/sessions/end-others")
    def end_others() -> View:
        who = owner()
        sessions.revoke_others(who.session, by=who.subject)
        return redirect(url_for("accounts.settings", done="sessions", _anchor="sessions"), 303)
