"""``/settings/passkeys``: adding and removing what one signs in with, after the password was proven again."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.factors import LONGEST_LABEL
from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from webui.portal import access
from webui.portal.access import PortalVisitor
from webui.portal.accounts.forms import device, field, sentence
from webui.portal.accounts.login_code import password_problem
from webui.portal.accounts.settings import owner
from webui.portal.parts import PortalParts
from webui.shared import passkeys

LONGEST_TICKET = 4000

View = BaseResponse | str


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts = parts.appliance.accounts

    def offer_page(who: PortalVisitor, problems: dict[str, str]) -> Response:
        account = accounts.administration.account(who.subject)
        known = [each.credential_id for each in accounts.own.passkeys(who.subject)]
        page = render_template(
            "accounts/new_passkey.html",
            offer=accounts.passkeys.offer_registration(
                who.subject, login=account.login, name=who.name, known=known
            ),
            typed={"label": field("label", LONGEST_LABEL) or device(access.client_info().agent)},
            problems=problems,
        )
        return make_response(page, 422 if problems else 200)

    @pages.get("/settings/passkeys/new")
    def new_passkey() -> View:
        owner()
        return render_template("accounts/prove.html", problems={})

    @pages.post("/settings/passkeys/new")
    def proven() -> View:
        who = owner()
        problems = password_problem(accounts, who)
        if problems:
            return make_response(render_template("accounts/prove.html", problems=problems), 422)
        return offer_page(who, {})

    @pages.post("/settings/passkeys")
    def add_passkey() -> View:
        who, ticket = owner(), field("ticket", LONGEST_TICKET)
        try:
            made = accounts.passkeys.verify_registration(
                who.subject, ticket, field(passkeys.FIELD, LONGEST_ANSWER)
            )
        except StateRefused as refusal:  # the offer is over: the password is asked for again
            page = render_template("accounts/prove.html", problems={"": sentence(refusal)})
            return make_response(page, 409)
        except PreconditionRefused as refusal:
            return offer_page(who, {"": sentence(refusal)})
        try:
            accounts.own.add_passkey(who.subject, made, field("label", LONGEST_LABEL))
        except (PreconditionRefused, StateRefused) as refusal:
            return offer_page(who, {"label": sentence(refusal)})
        return redirect(url_for("accounts.settings", done="passkey", _anchor="passkeys"), 303)

    @pages.get("/settings/passkeys/<named>/remove")
    def remove_passkey(named: str) -> View:
        return removal(named, {})

    @pages.post("/settings/passkeys/<named>/remove")
    def removed(named: str) -> View:
        who = owner()
        problems = password_problem(accounts, who)
        if not problems:
            try:
                accounts.own.remove_passkey(who.subject, _identifier(named))
            except PreconditionRefused as refusal:
                problems = {"": sentence(refusal)}
        if problems:
            return removal(named, problems)
        return redirect(url_for("accounts.settings", done="removed", _anchor="passkeys"), 303)

    def removal(named: str, problems: dict[str, str]) -> Response:
        wanted = _identifier(named)
        found = [each for each in accounts.own.passkeys(owner().subject) if each.credential_id == wanted]
        if not found:
            raise NotFound("There is no such passkey; it may have been removed already.")
        page = render_template("accounts/remove_passkey.html", passkey=found[0], problems=problems)
        return make_response(page, 422 if problems else 200)

    @pages.app_template_filter("base64url")
    def encoded(identifier: bytes) -> str:
        return bytes_to_base64url(identifier)


def _identifier(named: str) -> bytes:
    try:
        return base64url_to_bytes(named)
    except ValueError as error:
        raise NotFound("There is no such passkey; it may have been removed already.") from error
