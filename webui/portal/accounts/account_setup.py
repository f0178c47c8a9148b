"""``/welcome/<token>`` and ``/recover/<token>``: a password, then a second factor, and one is signed in."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.account_setup import LinkArrival
from appliance.accounts.codes import CodeDraft
from appliance.accounts.factors import LONGEST_LABEL, good_label
from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import LinkPurpose, OpenedSession
from webui.portal import access
from webui.portal.accounts.settings import device
from webui.portal.parts import PortalParts
from webui.shared import passkeys
from webui.shared.forms import field, sentence
from webui.shared.language import current_language, speak_to
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    form_page,
    repeated_password,
)

View = BaseResponse | str


def add_setup_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses, for both purposes."""

    @pages.get("/recover")
    def recovery() -> str:
        return render_template("accounts/recovery.html")

    for purpose, root in ((LinkPurpose.WELCOME, "welcome"), (LinkPurpose.RECOVER, "recover")):
        _add(pages, parts, purpose, root)


def _add(pages: Blueprint, parts: PortalParts, purpose: LinkPurpose, root: str) -> None:
    accounts = parts.appliance.accounts

    def arrive(token: str) -> LinkArrival:
        arrival = accounts.account_setup.open_link(purpose, token)
        if purpose is LinkPurpose.RECOVER:  # somebody new has chosen nothing yet
            speak_to(arrival.person.language, arrival.person.zone)
        return arrival

    @pages.get(f"/{root}/<token>", endpoint=root)
    def start(token: str) -> View:
        arrival = arrive(token)
        if arrival.has_password and "password" not in request.args:
            return _factors(parts, arrival, token, {})
        return _passwords(arrival, token, {})

    @pages.post(f"/{root}/<token>", endpoint=f"{root}_password")
    def password(token: str) -> View:
        arrival = arrive(token)
        given, problems = repeated_password()
        if problems:
            return _passwords(arrival, token, problems)
        try:
            accounts.account_setup.choose_password(arrival, given)
        except PreconditionRefused as refusal:
            return _passwords(arrival, token, {"password": sentence(refusal)})
        return redirect(url_for(f"accounts.{root}", token=token), 303)

    @pages.post(f"/{root}/<token>/code", endpoint=f"{root}_code")
    def code(token: str) -> View:
        arrival = arrive(token)
        sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
        try:
            opened = accounts.account_setup.finish_with_code(arrival, sealed, given, client_info())
        except PreconditionRefused as refusal:
            return _factors(parts, arrival, token, {"code": sentence(refusal)}, sealed=sealed)
        return _entered(opened)

    @pages.post(f"/{root}/<token>/passkey", endpoint=f"{root}_passkey")
    def passkey(token: str) -> View:
        arrival = arrive(token)
        try:
            label = good_label(field("label", LONGEST_LABEL))
        except PreconditionRefused as refusal:
            return _factors(parts, arrival, token, {"label": sentence(refusal)})
        try:
            posted = field(passkeys.FIELD, LONGEST_ANSWER)
            made = accounts.passkeys.verify_registration(
                arrival.account.subject, field("ticket", LONGEST_TICKET), posted
            )
            opened = accounts.account_setup.finish_with_passkey(arrival, made, label, client_info())
        except (PreconditionRefused, StateRefused) as refusal:
            accounts.account_setup.open_link(purpose, token)  # a link that has ended says so instead
            return _factors(parts, arrival, token, {"": sentence(refusal)})
        return _entered(opened)


def _passwords(arrival: LinkArrival, token: str, problems: dict[str, str]) -> Response:
    return form_page("accounts/password.html", problems, arrival=arrival, token=token)


def _factors(
    parts: PortalParts, arrival: LinkArrival, token: str, problems: dict[str, str], *, sealed: str = ""
) -> Response:
    accounts, account = parts.appliance.accounts, arrival.account

    def draft(sealed: str) -> CodeDraft:
        return accounts.codes.draft_secret(account.subject, account.login, sealed=sealed)

    return code_form(
        "accounts/factor.html",
        draft,
        problems,
        sealed,
        arrival=arrival,
        token=token,
        offer=accounts.passkeys.offer_registration(account.subject, login=account.login, name=arrival.person.name),
        typed={"label": field("label", LONGEST_LABEL) or device(client_info().agent)},
    )


def _entered(opened: OpenedSession) -> BaseResponse:
    """Who signs sets up the credentials for that next; everybody else is done."""
    signs = opened.session.subject.startswith("person-")
    onward = redirect(url_for("accounts.means") if signs else "/", 303)
    return access.start_session(onward, opened, speaking=current_language())
