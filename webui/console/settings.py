"""``/settings``: one's own password, login code and sessions."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused, SignInRefused, TooManyAttempts
from webui.console import access
from webui.console.access import ConsoleVisitor, visitor
from webui.console.login import LONGEST_CODE, LONGEST_PASSWORD, LONGEST_SEALED
from webui.console.parts import ConsoleParts
from webui.console.speaking import field, sentence
from webui.shared.language import translate

DONE = {
    "password": "The password was changed; all your other sessions have ended.",
    "code": "The new login code counts from now on.",
    "session": "The session has ended.",
    "passkey": "The passkey is registered. It counts once root on the machine has confirmed its fingerprint.",
    "removed": "The passkey was removed. If its device is lost, have root take it back as well.",
}

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("settings", __name__)
    own, sessions = parts.administration.own, parts.administration.sessions

    @pages.get("/settings")
    def everything() -> View:
        return _page(parts, visitor(), {})

    @pages.post("/settings/password")
    def password() -> View:
        who, new = visitor(), field("password", LONGEST_PASSWORD)
        problems = old_password(parts, who)
        if not problems and new != field("again", LONGEST_PASSWORD):
            problems = {"again": translate()("The two passwords differ; type both again.")}
        if not problems:
            try:
                own.change_password(who.holder, new)
            except PreconditionRefused as refusal:
                problems = {"password": sentence(refusal)}
        return _page(parts, who, problems) if problems else _done("password")

    @pages.get("/settings/code")
    def code() -> View:
        return _code_page(parts, visitor(), {})

    @pages.post("/settings/code")
    def change_code() -> View:
        who, sealed = visitor(), field("sealed", LONGEST_SEALED)
        problems = old_password(parts, who)
        if not problems:
            try:
                own.change_code(who.holder, sealed, field("code", LONGEST_CODE))
            except PreconditionRefused as refusal:
                problems = {"code": sentence(refusal)}
        return _code_page(parts, who, problems, sealed) if problems else _done("code")

    @pages.post("/settings/sessions/end")
    def end() -> View:
        sessions.revoke_session(field("session", 64), by=visitor().actor)
        return _done("session")

    return pages


def _page(parts: ConsoleParts, who: ConsoleVisitor, problems: dict[str, str]) -> Response:
    said = DONE.get(request.args.get("done", ""))
    page = render_template(
        "settings.html",
        sessions=parts.administration.sessions.sessions_of(who.login),
        passkeys=parts.administration.passkeys.passkeys_of(who.login),
        here=who.holder.session.id,
        done=translate()(said) if said else "",
        problems=problems,
    )
    return make_response(page, 422 if problems else 200)


def _code_page(parts: ConsoleParts, who: ConsoleVisitor, problems: dict[str, str], sealed: str = "") -> Response:
    own = parts.administration.own
    try:
        draft = own.code_draft(who.holder, sealed=sealed)
    except PreconditionRefused as refusal:
        draft, problems = own.code_draft(who.holder), {"code": sentence(refusal)}
    page = render_template("login_code.html", draft=draft, problems=problems)
    return make_response(page, 422 if problems else 200)


def old_password(parts: ConsoleParts, who: ConsoleVisitor) -> dict[str, str]:
    """Nothing when the posted password (field ``old``) is right, else the problem at its place."""
    try:
        parts.administration.sign_in.confirm_password(
            who.login, field("old", LONGEST_PASSWORD), access.client_info()
        )
    except (SignInRefused, TooManyAttempts) as refusal:
        return {"old": sentence(refusal)}
    return {}


def _done(what: str) -> BaseResponse:
    return redirect(url_for("settings.everything", done=what), 303)
