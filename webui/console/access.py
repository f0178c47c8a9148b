"""Who is visiting the console: the session behind the cookie, and what its kind of administrator may do.

``visitor()`` for pages that every administrator sees; whoever is signed out is led to ``/login``. A page that
refreshes itself does not count as a sign of life: somebody has to be there.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.own_factors import OwnAdministratorFactors
from appliance.administration.sign_in import ConsoleSessionHolder, ConsoleSessions
from appliance.model.administration import Actor, AdministratorRole, OpenedConsoleSession
from webui.shared import errors, language
from webui.shared.language import current_language, translate
from webui.shared.session_cookies import SessionCookies, SignedOut, client_info, install_access, redirect_to_login

__all__ = [
    "TITLES",
    "ConsoleVisitor",
    "SignedOut",
    "admit",
    "client_info",
    "dismiss",
    "visitor",
    "visitor_or_none",
    "wants_fragment",
]

EXTENSION = "vermilion-console-access"

FRAGMENT = "Vermilion-Fragment"
"""The header by which ``static/live.js`` asks for the part of a page that changes."""

TITLES = {
    AdministratorRole.SYSTEM: "System administrator",
    AdministratorRole.SECURITY: "Security administrator",
    AdministratorRole.AUDITOR: "Audit administrator",
}
"""What the three kinds are called."""


@dataclass(frozen=True, slots=True)
class ConsoleVisitor:
    """Who is signed in, as the administration knows it."""

    holder: ConsoleSessionHolder

    @property
    def login(self) -> str:
        """The name that somebody signs in with."""
        return self.holder.administrator.login

    @property
    def name(self) -> str:
        """The human's name."""
        return self.holder.administrator.name

    @property
    def role(self) -> AdministratorRole:
        """The one kind of administrator that this is."""
        return self.holder.administrator.role

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.holder.actor

    @property
    def title(self) -> str:
        """The kind of administrator, a sentence of the catalogue."""
        return TITLES[self.role]


@dataclass(frozen=True, slots=True)
class _Access:
    cookies: SessionCookies[ConsoleVisitor]
    own: OwnAdministratorFactors


def visitor() -> ConsoleVisitor:
    """Who is signed in. Raises :class:`SignedOut`."""
    return _access().cookies.visitor()


def visitor_or_none() -> ConsoleVisitor | None:
    """Who is signed in, if anybody."""
    return _access().cookies.visitor_or_none()


def wants_fragment() -> bool:
    """Whether the page's own script asks, again, for what changes."""
    return request.headers.get(FRAGMENT) == "live"


def admit(response: BaseResponse, opened: OpenedConsoleSession) -> BaseResponse:
    """Gives the visitor's browser the new session, in place of one that it had, which ends.

    A language that was chosen in the browser just before is the visitor's choice from now on.
    """
    chosen = language.chosen_before()
    if chosen is not None:
        _access().own.choose_language(opened.session.login, chosen)
        language.forget_choice(response)
    return _access().cookies.admit(response, opened.secret)


def dismiss(response: BaseResponse) -> BaseResponse:
    """Signs out: ends the session and takes the cookie away."""
    return _access().cookies.dismiss(response)


def install(app: Flask, sessions: ConsoleSessions, own: OwnAdministratorFactors, *, secure: bool) -> None:
    """Makes the visitor known to views and templates of *app*."""

    def look_up(secret: str) -> ConsoleVisitor | None:
        presence = sessions.find_holder(secret, touch=not wants_fragment())
        if presence is None:
            return None
        g.language = presence.administrator.language or current_language()
        return ConsoleVisitor(presence)

    cookies = SessionCookies("console", secure, "Strict", sessions, look_up)
    app.extensions[EXTENSION] = _Access(cookies, own)
    install_access(
        app,
        cookies,
        greet=cookies.for_page,
        save_language=lambda found, chosen: own.choose_language(found.login, chosen),
        answer_signed_out=_answer_signed_out,
    )
    app.context_processor(lambda: {"fragment": wants_fragment()})


def _answer_signed_out() -> Response | BaseResponse:
    if wants_fragment() or request.method not in ("GET", "HEAD"):
        sentence = translate()("You are signed out; sign in and repeat it.")
        return errors.answer(401, "signed-out", sentence)
    return redirect_to_login()


def _access() -> _Access:
    access: _Access = current_app.extensions[EXTENSION]
    return access
