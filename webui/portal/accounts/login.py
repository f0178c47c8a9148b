"""``/login`` and ``/logout``: password then code, or a passkey; afterwards on to where one wanted to go.

``/welcome/<token>`` and ``/recover/<token>``: a password, then a second factor, and one is signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.account_setup import LinkArrival
from appliance.accounts.passkeys import LONGEST_ANSWER, LONGEST_LABEL, good_label
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.sign_in import PasswordPassed
from appliance.errors import PreconditionRefused, SignInRefused, StateRefused
from appliance.model.accounts import LinkPurpose, OpenedSession
from webui.portal import access
from webui.portal.accounts.settings import code_page, pages, typed_label
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, unprocessable
from webui.shared.forms import field, sentence
from webui.shared.language import current_language, speak_to
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_LOGIN,
    LONGEST_PASSWORD,
    LONGEST_SEALED,
    LONGEST_TICKET,
    REFUSALS,
    next_path,
    refusal_status,
    repeated_password,
)


def _page(template: str, **shown: Any) -> Response:
    offer, carried = appliance.accounts.passkeys.offer_sign_in(), field("carried", access.MOST_LETTERS)
    return render(template, offer=offer, next=_next(), carried=carried, **shown)


def _first_page() -> Answer:
    return _page("accounts/login.html", typed={"login": field("login", LONGEST_LOGIN)}, again=False)


def _second_page(passed: PasswordPassed, **problems: str) -> Response:
    return _page("accounts/code.html", status=422 if problems else 200, passed=passed, problems=problems)


@pages.get("/login")
def login() -> Answer:
    return redirect(_next(), 303) if access.visitor_or_none() else _first_page()


@pages.post("/login")
@form(_first_page, client_info, refusals=REFUSALS, status=refusal_status)
def password(client: ClientInfo) -> Answer:
    given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
    return _second_page(appliance.accounts.sign_in.check_password(*given, client))


@pages.post("/login/code")
@form(_first_page, client_info, refusals=REFUSALS, status=refusal_status)
def code(client: ClientInfo) -> Answer:
    ticket, given = field("ticket", LONGEST_TICKET), field("code", LONGEST_CODE)
    try:
        opened = appliance.accounts.sign_in.check_code(ticket, given, client)
    except SignInRefused as refusal:
        return _second_page(PasswordPassed(ticket, True), code=sentence(refusal))
    return access.start_session(_onwards(opened), opened)


@pages.post("/login/passkey")
@form(_first_page, client_info, refusals=REFUSALS, status=refusal_status)
def passkey(client: ClientInfo) -> Answer:
    given = field("ticket", LONGEST_TICKET), field(passkeys.FIELD, LONGEST_ANSWER)
    opened = appliance.accounts.sign_in.check_passkey(*given, client)
    return access.start_session(_onwards(opened), opened)


@pages.post("/logout")
def logout() -> Answer:
    return access.end_session(redirect("/", 303))


def _onwards(opened: OpenedSession) -> BaseResponse:
    """To the page that was wanted; or a form is posted that the end of a session had stopped."""
    carried = access.unpack_form(field("carried", access.MOST_LETTERS))
    if carried is None or carried.subject != opened.session.subject:
        return redirect("/" if carried else _next(), 303)
    return make_response(render_template("accounts/resume.html", carried=carried))


def _next() -> str:
    return next_path("/login", "/logout")


@pages.get("/recover")
def recovery() -> Answer:
    return render("accounts/recovery.html")


def _behind_links(method: str, below: str = "", name: str = "") -> Callable[[Callable[..., Answer]], None]:
    """Makes a view one for the links of both purposes, *below* their address."""

    def decorate(view: Callable[..., Answer]) -> None:
        for purpose in (LinkPurpose.WELCOME, LinkPurpose.RECOVER):
            rule, endpoint = f"/{purpose}/<token>{below}", f"{purpose}{name}"
            pages.add_url_rule(rule, endpoint, view, methods=[method], defaults={"purpose": purpose})

    return decorate


def _arrive(purpose: LinkPurpose, token: str) -> LinkArrival:
    arrival = appliance.accounts.account_setup.open_link(purpose, token)
    if purpose is LinkPurpose.RECOVER:  # somebody new has chosen nothing yet
        speak_to(arrival.person.language, arrival.person.zone)
    return arrival


def _passwords(purpose: LinkPurpose, token: str) -> Answer:
    return render("accounts/password.html", arrival=_arrive(purpose, token), token=token)


def _factors(purpose: LinkPurpose, token: str) -> Answer:
    arrival = _arrive(purpose, token)
    account, name = arrival.account, arrival.person.name
    return code_page(
        "accounts/factor.html",
        account.subject,
        account.login,
        arrival=arrival,
        token=token,
        offer=appliance.accounts.passkeys.offer_registration(account.subject, login=account.login, name=name),
        typed=typed_label(),
    )


@_behind_links("GET")
def start_setup(purpose: LinkPurpose, token: str) -> Answer:
    if _arrive(purpose, token).has_password and "password" not in request.args:
        return _factors(purpose, token)
    return _passwords(purpose, token)


@_behind_links("POST", name="_password")
@form(_passwords, _arrive, "password", refusals=(PreconditionRefused,), status=unprocessable)
def set_up_password(arrival: LinkArrival, purpose: LinkPurpose, token: str) -> Answer:
    appliance.accounts.account_setup.choose_password(arrival, repeated_password())
    return see_other(f"accounts.{purpose}", token=token)


@_behind_links("POST", "/code", "_code")
@form(_factors, _arrive, "code", refusals=(PreconditionRefused,), status=unprocessable)
def set_up_code(arrival: LinkArrival, **_address: object) -> Answer:
    sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    return _entered(appliance.accounts.account_setup.finish_with_code(arrival, sealed, given, client_info()))


@_behind_links("POST", "/passkey", "_passkey")
@form(_factors, _arrive, refusals=(PreconditionRefused, StateRefused), status=unprocessable)
def set_up_passkey(arrival: LinkArrival, **_address: object) -> Answer:
    try:
        label = good_label(field("label", LONGEST_LABEL))
    except PreconditionRefused as refusal:
        raise FormProblems({"label": sentence(refusal)}) from refusal
    ticket, posted = field("ticket", LONGEST_TICKET), field(passkeys.FIELD, LONGEST_ANSWER)
    made = appliance.accounts.passkeys.verify_registration(arrival.account.subject, ticket, posted)
    return _entered(appliance.accounts.account_setup.finish_with_passkey(arrival, made, label, client_info()))


def _entered(opened: OpenedSession) -> BaseResponse:
    """Who signs sets up the credentials for that next; everybody else is done."""
    signs = opened.session.subject.startswith("person-")
    onward = redirect(url_for("accounts.means") if signs else "/", 303)
    return access.start_session(onward, opened, speaking=current_language())
