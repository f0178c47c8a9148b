"""``/settings/code`` and ``/settings/passkeys``: another login code; adding and removing passkeys. Each after the
password was proven again."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.codes import CodeDraft
from appliance.accounts.factors import LONGEST_LABEL
from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.accounts.service import AccountsService
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from webui.portal.access import PortalVisitor
from webui.portal.accounts.settings import device, owner
from webui.portal.parts import PortalParts
from webui.shared import passkeys
from webui.shared.forms import field, sentence
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    form_page,
    old_password_problem,
)

View = BaseResponse | str


def add_code_pages(pages: Blueprint, parts: PortalParts) -> None:
    """``/settings/code``."""
    accounts = parts.appliance.accounts

    def code_page(problems: dict[str, str], sealed: str = "") -> Response:
        account = accounts.administration.account(owner().subject)

        def draft(sealed: str) -> CodeDraft:
            return accounts.codes.draft_secret(account.subject, account.login, sealed=sealed)

        return code_form("accounts/login_code.html", draft, problems, sealed, account=account)

    @pages.get("/settings/code")
    def login_code() -> View:
        return code_page({})

    @pages.post("/settings/code")
    def change_code() -> View:
        who, sealed = owner(), field("sealed", LONGEST_SEALED)
        problems = _old_password(accounts, who)
        if problems:
            return code_page(problems, sealed)
        try:
            accounts.own.change_code(who.subject, sealed, field("code", LONGEST_CODE))
        except PreconditionRefused as refusal:
            return code_page({"code": sentence(refusal)}, sealed)
        return redirect(url_for("accounts.settings", done="code"), 303)


def add_passkey_pages(pages: Blueprint, parts: PortalParts) -> None:
    """``/settings/passkeys``: adding one, in three steps: password, offer, answer."""
    accounts = parts.appliance.accounts

    def offer_page(who: PortalVisitor, problems: dict[str, str]) -> Response:
        account = accounts.administration.account(who.subject)
        known = [each.credential_id for each in accounts.own.passkeys(who.subject)]
        return form_page(
            "accounts/new_passkey.html",
            problems,
            offer=accounts.passkeys.offer_registration(
                who.subject, login=account.login, name=who.name, known=known
            ),
            typed={"label": field("label", LONGEST_LABEL) or device(client_info().agent)},
        )

    @pages.get("/settings/passkeys/new")
    def new_passkey() -> View:
        owner()
        return form_page("accounts/prove.html", {})

    @pages.post("/settings/passkeys/new")
    def proven() -> View:
        who = owner()
        problems = _old_password(accounts, who)
        return form_page("accounts/prove.html", problems) if problems else offer_page(who, {})

    @pages.post("/settings/passkeys")
    def add_passkey() -> View:
        who, ticket = owner(), field("ticket", LONGEST_TICKET)
        try:
            answer = field(passkeys.FIELD, LONGEST_ANSWER)
            made = accounts.passkeys.verify_registration(who.subject, ticket, answer)
        except StateRefused as refusal:  # the offer is over: the password is asked for again
            page = form_page("accounts/prove.html", {"": sentence(refusal)})
            page.status_code = 409
            return page
        except PreconditionRefused as refusal:
            return offer_page(who, {"": sentence(refusal)})
        try:
            accounts.own.add_passkey(who.subject, made, field("label", LONGEST_LABEL))
        except (PreconditionRefused, StateRefused) as refusal:
            return offer_page(who, {"label": sentence(refusal)})
        return _done("passkey")


def add_passkey_removal(pages: Blueprint, parts: PortalParts) -> None:
    """``/settings/passkeys/…/remove``."""
    accounts = parts.appliance.accounts

    def removal(named: str, problems: dict[str, str]) -> Response:
        wanted = _identifier(named)
        found = [each for each in accounts.own.passkeys(owner().subject) if each.credential_id == wanted]
        if not found:
            raise _no_such_passkey()
        return form_page("accounts/remove_passkey.html", problems, passkey=found[0])

    @pages.get("/settings/passkeys/<named>/remove")
    def remove_passkey(named: str) -> View:
        return removal(named, {})

    @pages.post("/settings/passkeys/<named>/remove")
    def removed(named: str) -> View:
        who = owner()
        problems = _old_password(accounts, who)
        if not problems:
            try:
                accounts.own.remove_passkey(who.subject, _identifier(named))
            except PreconditionRefused as refusal:
                problems = {"": sentence(refusal)}
        return removal(named, problems) if problems else _done("removed")

    pages.add_app_template_filter(bytes_to_base64url, "base64url")


def _old_password(accounts: AccountsService, who: PortalVisitor) -> dict[str, str]:
    return old_password_problem(accounts.sign_in.confirm_password, who.subject)


def _done(what: str) -> BaseResponse:
    return redirect(url_for("accounts.settings", done=what, _anchor="passkeys"), 303)


def _identifier(named: str) -> bytes:
    try:
        return base64url_to_bytes(named)
    except ValueError as error:
        raise _no_such_passkey() from error


def _no_such_passkey() -> NotFound:
    return NotFound("There is no such passkey; it may have been removed already.")
