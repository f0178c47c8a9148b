"""Sessions behind a cookie, the same for portal and console: who visits, asked once for each request; the cookie
given and taken away. What a session is, and who may do what in it, is each application's own.

Cookies do not tell the ports of one host apart, so each application has a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response

from appliance.accounts.sessions import ClientInfo
from appliance.errors import StorageError
from appliance.language import Language
from webui.shared import language

V = TypeVar("V")

LONGEST = 100
"""Characters of a cookie that are read."""


class SignedOut(Exception):
    """Nobody is signed in, or not any more; answered with a way to sign in."""


@dataclass(frozen=True, slots=True)
class SessionCookies(Generic[V]):
    """The sessions of one application: their cookie's bare ``name``, whether it is for TLS alone (``secure``), for
    which navigations browsers send it (``same_site``), who is behind the secret in one (``look_up``), and what
    ends its session (``close``)."""

    name: str
    secure: bool
    same_site: Literal["Lax", "Strict"]
    look_up: Callable[[str], V | None]
    close: Callable[[str], None]

    @property
    def cookie(self) -> str:
        """What it is called: with TLS no other host, and no page without TLS, can set it."""
        return f"__Host-{self.name}" if self.secure else self.name

    def visitor(self) -> V:
        """Who is signed in. Raises :class:`SignedOut`."""
        found = self.visitor_or_none()
        if found is None:
            raise SignedOut
        return found

    def visitor_or_none(self) -> V | None:
        """Who is signed in, if anybody; asked of the database once for each request."""
        if "visitor" not in g:
            secret = self.secret()
            g.visitor = self.look_up(secret) if secret else None
        return g.visitor  # type: ignore[no-any-return]  # g is untyped

    def for_page(self) -> V | None:
        """The visitor for the frame of a page; nobody while the database does not answer (its error page must)."""
        try:
            return self.visitor_or_none()
        except StorageError:
            return None

    def secret(self) -> str:
        """What the cookie holds, or nothing: for programs, too, whom no cookie lets in."""
        return "" if language.is_program() else request.cookies.get(self.cookie, "")[:LONGEST]

    def admit(self, response: Response, secret: str) -> Response:
        """Gives the visitor's browser the new session of *secret*, in place of one that it had, which ends."""
        self._end()
        response.set_cookie(self.cookie, secret, **self._kind())
        return response

    def dismiss(self, response: Response) -> Response:
        """Signs out: ends the session and takes the cookie away."""
        self._end()
        response.delete_cookie(self.cookie, **self._kind())
        return response

    def _end(self) -> None:
        before = self.secret()
        if before:
            self.close(before)

    def _kind(self) -> dict[str, Any]:
        return {"httponly": True, "samesite": self.same_site, "secure": self.secure, "path": "/"}


def install_access(
    app: Flask,
    cookies: SessionCookies[V],
    *,
    greet: Callable[[], V | None],
    save_language: Callable[[V, Language], None],
    answer_signed_out: Callable[[], Response],
) -> None:
    """Makes the visitor known to views and templates of *app*: *greet* asks before each request but those for
    files, and :class:`SignedOut` is answered by *answer_signed_out*."""

    @app.before_request
    def know_visitor() -> None:
        if request.endpoint != "static":
            greet()

    @app.errorhandler(SignedOut)
    def signed_out(_error: SignedOut) -> Response:
        return answer_signed_out()

    def keep(chosen: Language) -> bool:
        found = cookies.visitor_or_none()
        if found is not None:
            save_language(found, chosen)
        return found is not None

    language.save_choice(app, keep)
    app.context_processor(lambda: {"visitor": cookies.for_page()})


def redirect_to_login() -> Response:
    """To the page to sign in, and afterwards back to the requested address."""
    path = request.full_path.removesuffix("?")
    return redirect(f"/login?{urlencode({'next': path})}", 303)


def client_info() -> ClientInfo:
    """Network address and browser, for sessions and throttling."""
    return ClientInfo(request.remote_addr or "unknown", request.headers.get("User-Agent", ""))
