"""``/settings``: one's own password, login code and sessions.

``/settings/passkeys``: what one signs requests with; registered here, after the password was proven again, and of
no use before root has confirmed it on the machine; removed after the password was proven again, too.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER, LONGEST_LABEL, PasskeyOffer
from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.errors import PreconditionRefused, StateRefused
from webui.console.access import administration, visitor
from webui.shared.forms import field, sentence
from webui.shared.language import translate
from webui.shared.passkeys import FIELD
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    form_page,
    old_password_problem,
    problem_at,
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


blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
def everything() -> View:
    """The page."""
    return _page(visitor(), {})


@blueprint.post("/settings/password")
def password() -> View:
    """A new password."""
    who = visitor()
    problems = _old_password(who)
    if not problems:
        new, problems = repeated_password()
    if not problems:
        problems = problem_at("password", lambda: administration().own.change_password(who, new))
    return _page(who, problems) if problems else _done("password")


@blueprint.get("/settings/code")
def code() -> View:
    """The form for a new login code."""
    return _code_page(visitor(), {})


@blueprint.post("/settings/code")
def change_code() -> View:
    """A new login code."""
    who, sealed, given = visitor(), field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    problems = _old_password(who)
    if not problems:
        problems = problem_at("code", lambda: administration().own.change_code(who, sealed, given))
    return _code_page(who, problems, sealed) if problems else _done("code")


@blueprint.post("/settings/sessions/end")
def end() -> View:
    """One of one's own sessions ends."""
    administration().sessions.revoke_session(field("session", 64), by=visitor().actor)
    return _done("session")


passkeys = Blueprint("passkeys", __name__)


@passkeys.get("/settings/passkeys/new")
def new() -> View:
    """The password is asked for first."""
    visitor()
    return _passkey_page(None, {})


@passkeys.post("/settings/passkeys/new")
def proven() -> View:
    """What the device is asked for."""
    who = visitor()
    problems = _old_password(who)
    return _passkey_page(None if problems else administration().passkeys.offer_registration(who), problems)


@passkeys.post("/settings/passkeys")
def add() -> View:
    """What the device answered."""
    who, ticket, label = visitor(), field("ticket", LONGEST_TICKET), field("label", LONGEST_LABEL)
    own = administration().passkeys
    try:
        own.add_passkey(who, ticket, field(FIELD, LONGEST_ANSWER), label)
    except StateRefused as refusal:  # the offer is over: the password is asked for again
        page = _passkey_page(None, {"": sentence(refusal)})
        page.status_code = 409
        return page
    except PreconditionRefused as refusal:
        return _passkey_page(own.offer_registration(who), {"": sentence(refusal)})
    return _done("passkey", "passkeys")


@passkeys.get("/settings/passkeys/remove")
def removing() -> View:
    """The password is asked for first."""
    named = administration().passkeys.own_passkey(visitor(), request.args.get("fingerprint", "")[:40])
    return form_page("remove_passkey.html", {}, named=named)


@passkeys.post("/settings/passkeys/remove")
def remove() -> View:
    """One of one's own passkeys goes."""
    who, own = visitor(), administration().passkeys
    named = own.own_passkey(who, field("fingerprint", 40))
    problems = _old_password(who)
    if problems:
        return form_page("remove_passkey.html", problems, named=named)
    own.remove_passkey(who, named.fingerprint)
    return _done("removed", "passkeys")


def _page(who: ConsoleSessionHolder, problems: dict[str, str]) -> Response:
    said = DONE.get(request.args.get("done", ""))
    return form_page(
        "settings.html",
        problems,
        sessions=administration().sessions.sessions_of(who.login),
        passkeys=administration().passkeys.passkeys_of(who.login),
        here=who.session.id,
        done=translate()(said) if said else "",
    )


def _code_page(who: ConsoleSessionHolder, problems: dict[str, str], sealed: str = "") -> Response:
    own = administration().own
    return code_form("login_code.html", lambda sealed: own.code_draft(who, sealed=sealed), problems, sealed)


def _passkey_page(offer: PasskeyOffer | None, problems: dict[str, str]) -> Response:
    return form_page("new_passkey.html", problems, offer=offer, typed={"label": field("label", LONGEST_LABEL)})


def _old_password(who: ConsoleSessionHolder) -> dict[str, str]:
    return old_password_problem(administration().sign_in.confirm_password, who.login)


def _done(what: str, anchor: str | None = None) -> BaseResponse:
    return redirect(url_for("settings.everything", done=what, _anchor=anchor), 303)
