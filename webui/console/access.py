"""Who is visiting the console: the session behind the cookie, and what its kind of administrator may do.

``visitor()`` for pages that every administrator sees; whoever is signed out is led to ``/login``. A page that
refreshes itself does not count as a sign of life: somebody has to be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, Response, current_app, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.sessions import AdministratorPresence, ConsoleSessions
from appliance.model.administration import Actor, AdministratorRole, OpenedConsoleSession
from webui.shared import errors
from webui.shared.language import translate
from webui.shared.session_cookies import SessionCookies, SignedOut, whereabouts

__all__ = [
    "TITLES",
    "SignedOut",
    "Visitor",
    "admit",
    "dismiss",
    "visitor",
    "visitor_or_none",
    "wants_fragment",
    "whereabouts",
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
class Visitor:
    """Who is signed in, as the administration knows it."""

    presence: AdministratorPresence

    @property
    def login(self) -> str:
        """The name that somebody signs in with."""
        return self.presence.administrator.login

    @property
    def name(self) -> str:
        """The human's name."""
        return self.presence.administrator.name

    @property
    def role(self) -> AdministratorRole:
        """The one kind of administrator that this is."""
        return self.presence.administrator.role

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.presence.actor

    @property
    def title(self) -> str:
        """The kind of administrator, a sentence of the catalogue."""
        return TITLES[self.role]


def visitor() -> Visitor:
    """Who is signed in. Raises :class:`SignedOut`."""
    return _access().visitor()


def visitor_or_none() -> Visitor | None:
    """Who is signed in, if anybody."""
    return _access().visitor_or_none()


def wants_fragment() -> bool:
    """Whether the page's own script asks, again, for what changes."""
    return request.headers.get(FRAGMENT) == "live"


def admit(response: BaseResponse, opened: OpenedConsoleSession) -> BaseResponse:
    """Gives the visitor's browser the new session, in place of one that it had, which ends."""
    return _access().admit(response, opened.secret)


def dismiss(response: BaseResponse) -> BaseResponse:
    """Signs out: ends the session and takes the cookie away."""
    return _access().dismiss(response)


def install(app: Flask, sessions: ConsoleSessions, *, secure: bool) -> None:
    """Makes the visitor known to views and templates of *app*."""

    def look_up(secret: str) -> Visitor | None:
        presence = sessions.presence(secret, touch=not wants_fragment())
        return None if presence is None else Visitor(presence)

    app.extensions[EXTENSION] = SessionCookies("console", secure, "Strict", sessions, look_up)

    @app.errorhandler(SignedOut)
    def signed_out(_error: SignedOut) -> Response | BaseResponse:
        return _answer_signed_out()

    app.context_processor(lambda: {"visitor": _access().for_page(), "fragment": wants_fragment()})


def _answer_signed_out() -> Response | BaseResponse:
    if wants_fragment() or request.method not in ("GET", "HEAD"):
        sentence = translate()("You are signed out; sign in and repeat it.")
        return errors.answer(401, "signed-out", sentence)
    path = request.full_path.removesuffix("?")
    return redirect(f"/login?{urlencode({'next': path})}", 303)


def _access() -> SessionCookies[Visitor]:
    access: SessionCookies[Visitor] = current_app.extensions[EXTENSION]
    return access
