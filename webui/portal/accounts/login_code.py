"""``/settings/code``: another login code; and the password, proven again before a factor changes."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.service import AccountsService
from appliance.errors import PreconditionRefused, SignInRefused, TooManyAttempts
from webui.portal import access
from webui.portal.access import PortalVisitor
from webui.portal.accounts.forms import field, sentence
from webui.portal.accounts.settings import owner
from webui.portal.parts import PortalParts

LONGEST_PASSWORD, LONGEST_CODE, LONGEST_SEALED = 1000, 20, 1000

View = BaseResponse | str


def password_problem(accounts: AccountsService, who: PortalVisitor) -> dict[str, str]:
    """Nothing when the posted password (field ``old``) is right, else the problem at its place."""
    try:
        accounts.sign_in.confirm_password(who.subject, field("old", LONGEST_PASSWORD), access.client_info())
    except (SignInRefused, TooManyAttempts) as refusal:
        return {"old": sentence(refusal)}
    return {}


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts = parts.appliance.accounts

    def code_page(problems: dict[str, str], sealed: str = "") -> Response:
        account = accounts.administration.account(owner().subject)
        try:
            draft = accounts.codes.draft_secret(account.subject, account.login, sealed=sealed)
        except PreconditionRefused as refusal:
            draft, problems = (
                accounts.codes.draft_secret(account.subject, account.login),
                {"code": sentence(refusal)},
            )
        page = render_template("accounts/login_code.html", account=account, draft=draft, problems=problems)
        return make_response(page, 422 if problems else 200)

    @pages.get("/settings/code")
    def login_code() -> View:
        return code_page({})

    @pages.post("/settings/code")
    def change_code() -> View:
        who, sealed = owner(), field("sealed", LONGEST_SEALED)
        problems = password_problem(accounts, who)
        if problems:
            return code_page(problems, sealed)
        try:
            accounts.own.change_code(who.subject, sealed, field("code", LONGEST_CODE))
        except PreconditionRefused as refusal:
            return code_page({"code": sentence(refusal)}, sealed)
        return redirect(url_for("accounts.settings", done="code"), 303)
