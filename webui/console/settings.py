"""``/settings``: one's own password, login code and sessions.

``/settings/passkeys``: what one signs requests with; registered here, after the password was proven again, and of
no use before root has confirmed it on the machine; removed after the password was proven again, too.
"""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER, LONGEST_LABEL
from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.errors import PreconditionRefused, StateRefused
from webui.console.access import administration, visitor
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable
from webui.shared.forms import field, sentence
from webui.shared.language import translate
from webui.shared.passkeys import FIELD
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    repeated_password,
    require_old_password,
)

DONE = {
    "password": "The password was changed; all your other sessions have ended.",
    "code": "The new login code counts from now on.",
    "session": "The session has ended.",
    "passkey": "The passkey is registered. It counts once root on the machine has confirmed its fingerprint.",
    "removed": "The passkey was removed. If its device is lost, have root take it back as well.",
}


blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
def everything() -> Answer:
    who, said = visitor(), DONE.get(request.args.get("done", ""))
    return render(
        "settings.html",
        sessions=administration.sessions.sessions_of(who.login),
        passkeys=administration.own.passkeys_of(who.login),
        here=who.session.id,
        done=translate()(said) if said else "",
    )


@blueprint.post("/settings/password")
@form(everything, visitor, "password", refusals=(PreconditionRefused,), status=unprocessable)
def password(who: ConsoleSessionHolder) -> Answer:
    _require_old_password(who)
    administration.own.change_password(who, repeated_password())
    return _done("password")


@blueprint.get("/settings/code")
def code() -> Answer:
    who, own = visitor(), administration.own
    return code_form("login_code.html", lambda sealed: own.code_draft(who, sealed=sealed), has_code=True)


@blueprint.post("/settings/code")
@form(code, visitor, "code", refusals=(PreconditionRefused,), status=unprocessable)
def change_code(who: ConsoleSessionHolder) -> Answer:
    _require_old_password(who)
    administration.own.change_code(who, field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE))
    return _done("code")


@blueprint.post("/settings/sessions/end")
def end() -> Answer:
    administration.sessions.revoke_session(field("session", 64), by=visitor().actor)
    return _done("session")


passkeys = Blueprint("passkeys", __name__)


@passkeys.get("/settings/passkeys/new")
def new() -> Answer:
    """The password is asked for first."""
    visitor()
    return render("new_passkey.html", offer=None)


def _offer() -> Answer:
    offer = administration.own.offer_registration(visitor())
    return render("new_passkey.html", offer=offer, typed={"label": field("label", LONGEST_LABEL)})


@passkeys.post("/settings/passkeys/new")
@form(new, visitor, refusals=())
def proven(who: ConsoleSessionHolder) -> Answer:
    """What the device is asked for."""
    _require_old_password(who)
    return _offer()


@passkeys.post("/settings/passkeys")
@form(_offer, visitor, refusals=(PreconditionRefused,), status=unprocessable)
def add(who: ConsoleSessionHolder) -> Answer:
    """What the device answered."""
    ticket, label = field("ticket", LONGEST_TICKET), field("label", LONGEST_LABEL)
    try:
        administration.own.add_passkey(who, ticket, field(FIELD, LONGEST_ANSWER), label)
    except StateRefused as refusal:  # the offer is over: the password is asked for again
        return render("new_passkey.html", offer=None, problems={"": sentence(refusal)}, status=409)
    return _done("passkey", "passkeys")


@passkeys.get("/settings/passkeys/remove")
def removing() -> Answer:
    """The password is asked for first."""
    fingerprint = request.values.get("fingerprint", "")[:40]
    return render("remove_passkey.html", named=administration.own.own_passkey(visitor(), fingerprint))


@passkeys.post("/settings/passkeys/remove")
@form(removing, visitor, refusals=())
def remove(who: ConsoleSessionHolder) -> Answer:
    own = administration.own
    named = own.own_passkey(who, field("fingerprint", 40))
    _require_old_password(who)
    own.remove_passkey(who, named.fingerprint)
    return _done("removed", "passkeys")


def _require_old_password(who: ConsoleSessionHolder) -> None:
    require_old_password(administration.sign_in.confirm_password, who.login)


def _done(what: str, anchor: str | None = None) -> BaseResponse:
    return see_other("settings.everything", done=what, _anchor=anchor)
