"""What the console is made from, and who is visiting it: the session behind the cookie.

``visitor()`` is for pages that every administrator sees; whoever is signed out is led to ``/login``. A page that
refreshes itself does not count as a sign of life: somebody has to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, Response, current_app, g, request
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration import Administration
from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.config import Settings
from appliance.health import Observations
from appliance.model.administration import AdministratorRole, OpenedConsoleSession
from hsm.client import AuthorityClient
from webui.shared import errors, language
from webui.shared.language import current_language, translate
from webui.shared.session_cookies import SessionCookies, install_access, redirect_to_login

EXTENSION, COOKIES = "vermilion-console", "vermilion-console-cookies"

FRAGMENT = "Vermilion-Fragment"
"""The header by which ``static/live.js`` asks for the part of a page that changes."""

TITLES = {
    AdministratorRole.SYSTEM: "System administrator",
    AdministratorRole.SECURITY: "Security administrator",
    AdministratorRole.AUDITOR: "Audit administrator",
}
"""What the three kinds are called."""


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """``form_key``: 32 secret bytes; ``authority`` is asked as the console; ``now`` is in UTC."""

    settings: Settings
    administration: Administration
    observations: Observations
    authority: AuthorityClient
    form_key: bytes
    now: Callable[[], datetime]


parts = cast(ConsoleParts, LocalProxy(lambda: current_app.extensions[EXTENSION]))
"""The parts of the console that answers the request."""

administration = cast(Administration, LocalProxy(lambda: parts.administration))
"""The administration of that console."""


def visitor() -> ConsoleSessionHolder:
    """Who is signed in. Raises :class:`SignedOut`."""
    return _cookies().visitor()


def visitor_or_none() -> ConsoleSessionHolder | None:
    """Who is signed in, if anybody."""
    return _cookies().visitor_or_none()


def wants_fragment() -> bool:
    """Whether the page's own script asks, again, for what changes."""
    return request.headers.get(FRAGMENT) == "live"


def admit(response: BaseResponse, opened: OpenedConsoleSession) -> BaseResponse:
    """Gives the visitor's browser the new session, in place of one that it had, which ends.

    A language that was chosen in the browser just before is the visitor's choice from now on.
    """
    chosen = language.chosen_before()
    if chosen is not None:
        administration.own.choose_language(opened.session.login, chosen)
        language.forget_choice(response)
    return _cookies().admit(response, opened.secret)


def dismiss(response: BaseResponse) -> BaseResponse:
    """Signs out: ends the session and takes the cookie away."""
    return _cookies().dismiss(response)


def install(app: Flask, parts: ConsoleParts, *, secure: bool) -> None:
    """Makes *parts* and the visitor known to views and templates of *app*."""
    sessions, own = parts.administration.sessions, parts.administration.own

    def look_up(secret: str) -> ConsoleSessionHolder | None:
        found = sessions.find_holder(secret, touch=not wants_fragment())
        if found is not None:
            g.language = found.administrator.language or current_language()
        return found

    cookies = SessionCookies("console", secure, "Strict", look_up, sessions.close)
    app.extensions[EXTENSION], app.extensions[COOKIES] = parts, cookies
    install_access(
        app,
        cookies,
        greet=cookies.for_page,
        save_language=lambda found, chosen: own.choose_language(found.login, chosen),
        answer_signed_out=_answer_signed_out,
    )
    app.jinja_env.globals.update(titles=TITLES)
    app.context_processor(lambda: {"fragment": wants_fragment()})


def _answer_signed_out() -> Response | BaseResponse:
    if wants_fragment() or request.method not in ("GET", "HEAD"):
        sentence = translate()("You are signed out; sign in and repeat it.")
        return errors.answer(401, "signed-out", sentence)
    return redirect_to_login()


def _cookies() -> SessionCookies[ConsoleSessionHolder]:
    cookies: SessionCookies[ConsoleSessionHolder] = current_app.extensions[COOKIES]
    return cookies
