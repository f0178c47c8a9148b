"""``/settings``: one's own password, login code and sessions.

``/settings/passkeys``: what one signs requests with; registered here, after the password was proven again, and of
no use before root has confirmed it on the machine; removed after the password was proven again, too.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.codes import CodeDraft
from appliance.accounts.passkeys import LONGEST_ANSWER, PasskeyOffer
from appliance.administration.own_factors import LONGEST_LABEL, RegisteredKey
from appliance.errors import PreconditionRefused, StateRefused
from webui.console.access import ConsoleVisitor, visitor
from webui.console.parts import ConsoleParts
from webui.shared import passkeys
from webui.shared.forms import field, sentence
from webui.shared.language import translate
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    form_page,
    old_password_problem,
    repeated_password,
)

DONE = {
    "password": "The password was changed; all your other sessions have ended.",
    "code": "The new login code counts from now on.",
    "session": "The session has ended.",
    "passkey": "The passkey is registered. It counts once root on the machine has confirmed its fingerprint.",
    "removed": "The passkey was removed. If its device is lost, have root take it back as well.",
}

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """``/settings`` without passkeys."""
    pages = Blueprint("settings", __name__)
    own, sessions = parts.administration.own, parts.administration.sessions

    @pages.get("/settings")
    def everything() -> View:
        return _page(parts, visitor(), {})

    @pages.post("/settings/password")
    def password() -> View:
        who = visitor()
        problems = _old_password(parts, who)
        if not problems:
            new, problems = repeated_password()
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
        problems = _old_password(parts, who)
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


def passkeys_blueprint(parts: ConsoleParts) -> Blueprint:
    """``/settings/passkeys``."""
    pages = Blueprint("passkeys", __name__)
    own = parts.administration.passkeys

    @pages.get("/settings/passkeys/new")
    def new() -> View:
        visitor()
        return _passkey_page(None, {})

    @pages.post("/settings/passkeys/new")
    def proven() -> View:
        who = visitor()
        problems = _old_password(parts, who)
        return _passkey_page(None if problems else own.offer_registration(who.holder), problems)

    @pages.post("/settings/passkeys")
    def add() -> View:
        who, ticket, label = visitor(), field("ticket", LONGEST_TICKET), field("label", LONGEST_LABEL)
        try:
            own.add_passkey(who.holder, ticket, field(passkeys.FIELD, LONGEST_ANSWER), label)
        except StateRefused as refusal:  # the offer is over: the password is asked for again
            page = _passkey_page(None, {"": sentence(refusal)})
            page.status_code = 409
            return page
        except PreconditionRefused as refusal:
            return _passkey_page(own.offer_registration(who.holder), {"": sentence(refusal)})
        return _done("passkey", "passkeys")

    @pages.get("/settings/passkeys/remove")
    def removing() -> View:
        return _removal(own.own_passkey(visitor().holder, request.args.get("fingerprint", "")[:40]), {})

    @pages.post("/settings/passkeys/remove")
    def remove() -> View:
        who = visitor()
        named = own.own_passkey(who.holder, field("fingerprint", 40))
        problems = _old_password(parts, who)
        if problems:
            return _removal(named, problems)
        own.remove_passkey(who.holder, named.fingerprint)
        return _done("removed", "passkeys")

    return pages


def _page(parts: ConsoleParts, who: ConsoleVisitor, problems: dict[str, str]) -> Response:
    said = DONE.get(request.args.get("done", ""))
    return form_page(
        "settings.html",
        problems,
        sessions=parts.administration.sessions.sessions_of(who.login),
        passkeys=parts.administration.passkeys.passkeys_of(who.login),
        here=who.holder.session.id,
        done=translate()(said) if said else "",
    )


def _code_page(parts: ConsoleParts, who: ConsoleVisitor, problems: dict[str, str], sealed: str = "") -> Response:
    def draft(sealed: str) -> CodeDraft:
        return parts.administration.own.code_draft(who.holder, sealed=sealed)

    return code_form("login_code.html", draft, problems, sealed)


def _passkey_page(offer: PasskeyOffer | None, problems: dict[str, str]) -> Response:
    return form_page("new_passkey.html", problems, offer=offer, typed={"label": field("label", LONGEST_LABEL)})


def _removal(named: RegisteredKey, problems: dict[str, str]) -> Response:
    return form_page("remove_passkey.html", problems, named=named)


def _old_password(parts: ConsoleParts, who: ConsoleVisitor) -> dict[str, str]:
    return old_password_problem(parts.administration.sign_in.confirm_password, who.login)


def _done(what: str, anchor: str | None = None) -> BaseResponse:
    return redirect(url_for("settings.everything", done=what, _anchor=anchor), 303)
