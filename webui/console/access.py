"""Who is visiting the console: the session behind the cookie, and what its kind of administrator may do.

``visitor()`` for pages that every administrator sees; whoever is signed out is led to ``/login``. A page that
refreshes itself does not count as a sign of life: somebody has to be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.sessions import Whereabouts
from appliance.administration.sessions import AdministratorPresence, ConsoleSessions
from appliance.errors import StorageError
from appliance.model.administration import Actor, AdministratorRole, OpenedConsoleSession
from webui.shared import errors
from webui.shared.language import translate

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


class SignedOut(Exception):
    """Nobody is signed in, or not any more; answered with the way to sign in."""


@dataclass(frozen=True, slots=True)
class _Access:
    sessions: ConsoleSessions
    secure: bool

    @property
    def cookie(self) -> str:
        """Not the portal's name: cookies do not tell ports of one host apart."""
        return "__Host-console" if self.secure else "console"


def visitor() -> Visitor:
    """Who is signed in. Raises :class:`SignedOut`."""
    found = visitor_or_none()
    if found is None:
        raise SignedOut
    return found


def visitor_or_none() -> Visitor | None:
    """Who is signed in, if anybody; asked of the database once for each request."""
    if "visitor" not in g:
        g.visitor = _look_up()
    return g.visitor  # type: ignore[no-any-return]  # g is untyped


def wants_fragment() -> bool:
    """Whether the page's own script asks, again, for what changes."""
    return request.headers.get(FRAGMENT) == "live"


def whereabouts() -> Whereabouts:
    """Network address and browser, for sessions and throttling."""
    return Whereabouts(request.remote_addr or "unknown", request.headers.get("User-Agent", ""))


def admit(response: BaseResponse, opened: OpenedConsoleSession) -> BaseResponse:
    """Gives the visitor's browser the new session, in place of one that it had, which ends."""
    access, before = _access(), _secret()
    if before:
        access.sessions.close(before)
    response.set_cookie(
        access.cookie, opened.secret, httponly=True, samesite="Strict", secure=access.secure, path="/"
    )
    return response


def dismiss(response: BaseResponse) -> BaseResponse:
    """Signs out: ends the session and takes the cookie away."""
    access, secret = _access(), _secret()
    if secret:
        access.sessions.close(secret)
    response.delete_cookie(access.cookie, path="/", secure=access.secure, httponly=True, samesite="Strict")
    return response


def install(app: Flask, sessions: ConsoleSessions, *, secure: bool) -> None:
    """Makes the visitor known to views and templates of *app*."""
    app.extensions[EXTENSION] = _Access(sessions, secure)

    @app.errorhandler(SignedOut)
    def signed_out(_error: SignedOut) -> Response | BaseResponse:
        return _answer_signed_out()

    app.context_processor(lambda: {"visitor": _for_page(), "fragment": wants_fragment()})


def _answer_signed_out() -> Response | BaseResponse:
    if wants_fragment() or request.method not in ("GET", "HEAD"):
        sentence = translate()("You are signed out; sign in and repeat it.")
        return errors.answer(401, "signed-out", sentence)
    path = request.full_path.removesuffix("?")
    return redirect(f"/login?{urlencode({'next': path})}", 303)


def _look_up() -> Visitor | None:
    secret = _secret()
    presence = _access().sessions.presence(secret, touch=not wants_fragment()) if secret else None
    return None if presence is None else Visitor(presence)


def _for_page() -> Visitor | None:
    """The visitor for the frame of a page; nobody while the database does not answer (its error page must)."""
    try:
        return visitor_or_none()
    except StorageError:
        return None


def _secret() -> str:
    return request.cookies.get(_access().cookie, "")[:100]


def _access() -> _Access:
    access: _Access = current_app.extensions[EXTENSION]
    return access
