"""``/settings/passkeys``: what one signs acts with; registered here, after the password was proven again, and of
no use before root has confirmed it on the machine; removed after the password was proven again, too."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER, PasskeyOffer
from appliance.administration.passkeys import LONGEST_LABEL, RegisteredKey
from appliance.errors import PreconditionRefused, StateRefused
from webui.console.access import ConsoleVisitor, visitor
from webui.console.parts import ConsoleParts
from webui.console.settings import old_password
from webui.console.speaking import field, sentence
from webui.shared import passkeys

LONGEST_TICKET = 4000

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("passkeys", __name__)
    own = parts.administration.passkeys

    @pages.get("/settings/passkeys/new")
    def new() -> View:
        visitor()
        return _page(None, {})

    @pages.post("/settings/passkeys/new")
    def proven() -> View:
        who = visitor()
        problems = old_password(parts, who)
        return _page(None, problems) if problems else _page(own.offer_registration(who.holder), {})

    @pages.post("/settings/passkeys")
    def add() -> View:
        who, ticket = visitor(), field("ticket", LONGEST_TICKET)
        try:
            own.add_passkey(
                who.holder, ticket, field(passkeys.FIELD, LONGEST_ANSWER), field("label", LONGEST_LABEL)
            )
        except StateRefused as refusal:  # the offer is over: the password is asked for again
            return _page(None, {"": sentence(refusal)}, status=409)
        except PreconditionRefused as refusal:
            return _page(own.offer_registration(who.holder), {"": sentence(refusal)})
        return _done("passkey")

    @pages.get("/settings/passkeys/remove")
    def removing() -> View:
        return _removal(own.own_passkey(visitor().holder, request.args.get("fingerprint", "")[:40]), {})

    @pages.post("/settings/passkeys/remove")
    def remove() -> View:
        who: ConsoleVisitor = visitor()
        named = own.own_passkey(who.holder, field("fingerprint", 40))
        problems = old_password(parts, who)
        if problems:
            return _removal(named, problems)
        own.remove_passkey(who.holder, named.fingerprint)
        return _done("removed")

    return pages


def _page(offer: PasskeyOffer | None, problems: dict[str, str], *, status: int = 422) -> Response:
    page = render_template(
        "new_passkey.html", offer=offer, typed={"label": field("label", LONGEST_LABEL)}, problems=problems
    )
    return make_response(page, status if problems else 200)


def _removal(named: RegisteredKey, problems: dict[str, str]) -> Response:
    page = render_template("remove_passkey.html", named=named, problems=problems)
    return make_response(page, 422 if problems else 200)


def _done(what: str) -> BaseResponse:
    return redirect(url_for("settings.everything", done=what, _anchor="passkeys"), 303)
