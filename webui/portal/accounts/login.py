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
from webui.portal.activations import brought_receipt, to_registration
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
    filled: dict[str, Any] = {"offer": offer, "next": _next(), "carried": carried}
    return render(template, **(filled | shown))


def _first_page() -> Answer:
    return _page("accounts/login.html", typed={"login": field("login", LONGEST_LOGIN)}, again=False)


def sign_in_page(problem: str, status: int, path: str) -> Response:
    """The page to sign in, and afterwards on to *path*, which says why somebody could not otherwise."""
    shown = {"typed": {"login": ""}, "again": False, "next": path, "carried": ""}
    return _page("accounts/login.html", status=status, problems={"": problem}, **shown)


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
    address = appliance.single_sign_on.sign_out_address(access.session_secret())
    return access.end_session(_after_logout(address))


def _after_logout(address: str | None) -> BaseResponse:
    """On to the identity provider's *address* for signing out, where there is one. By a page, not by a redirect:
    forms of ours lead to no other site."""
    if address is None:
        return redirect("/", 303)
    name = appliance.single_sign_on.name
    response = make_response(render_template("accounts/signed_out.html", address=address, provider=name))
    response.headers["Refresh"] = f"0; url={address}"
    return response


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
    arrival = _arrive(purpose, token)
    return render(
        "accounts/password.html",
        arrival=arrival,
        token=token,
        one_passkey=_makes_one_passkey(arrival),
        passkey_only=appliance.policy.default.signing.passkey_only,
    )


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
        one_passkey=_makes_one_passkey(arrival),
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
    if purpose is LinkPurpose.WELCOME:  # who closes the page of the passkey signs in later, without having chosen
        appliance.accounts.own.prefer(arrival.account.subject, current_language())
    if _makes_one_passkey(arrival) and "passkey" in request.form:
        return _to_passkey(arrival, token)
    return see_other(f"accounts.{purpose}", token=token)


@pages.post("/welcome/<token>/set-up")
def set_up_for_signing(token: str) -> Answer:
    """Leads to the activation service again, for who has chosen a password before."""
    arrival = _arrive(LinkPurpose.WELCOME, token)
    if not (arrival.has_password and _makes_one_passkey(arrival)):
        return see_other("accounts.welcome", token=token)
    return _to_passkey(arrival, token)


@pages.get("/welcome/<token>/registered")
def registered_passkey(token: str) -> Answer:
    """Back from the activation service: in, for whoever has made the passkey and comes from its page."""
    receipt, onward = brought_receipt(), see_other("accounts.means")
    opened = appliance.accounts.account_setup.enter_registered(token, receipt, client_info()) if receipt else None
    if opened is not None:
        appliance.office.requests.collect_of(opened.session.subject)
        return access.start_session(onward, opened, speaking=current_language())
    if receipt or access.visitor_or_none() is not None:
        return onward  # by way of signing in, where the passkey opens the account
    return see_other("accounts.welcome", token=token)


def _makes_one_passkey(arrival: LinkArrival) -> bool:
    """Whether one passkey, made on the activation service's page, is for signing in and for signing."""
    return arrival.link.purpose is LinkPurpose.WELCOME and arrival.account.subject.startswith("person-")


def _to_passkey(arrival: LinkArrival, token: str) -> Answer:
    back = url_for("accounts.registered_passkey", token=token)
    return to_registration(arrival.person, arrival.account.login, back, link=arrival.link.id)


@_behind_links("POST", "/code", "_code")
@form(_factors, _arrive, "code", refusals=(PreconditionRefused,), status=unprocessable)
def set_up_code(arrival: LinkArrival, **_address: object) -> Answer:
    sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    opened = appliance.accounts.account_setup.finish_with_code(arrival, sealed, given, client_info())
    return _entered(arrival, opened)


@_behind_links("POST", "/passkey", "_passkey")
@form(_factors, _arrive, refusals=(PreconditionRefused, StateRefused), status=unprocessable)
def set_up_passkey(arrival: LinkArrival, **_address: object) -> Answer:
    try:
        label = good_label(field("label", LONGEST_LABEL))
    except PreconditionRefused as refusal:
        raise FormProblems({"label": sentence(refusal)}) from refusal
    ticket, posted = field("ticket", LONGEST_TICKET), field(passkeys.FIELD, LONGEST_ANSWER)
    made = appliance.accounts.passkeys.verify_registration(arrival.account.subject, ticket, posted)
    opened = appliance.accounts.account_setup.finish_with_passkey(arrival, made, label, client_info())
    return _entered(arrival, opened)


def _entered(arrival: LinkArrival, opened: OpenedSession) -> BaseResponse:
    """Who is new and signs sets up the credentials for that next; everybody else is done."""
    return access.start_session(_after_setup(arrival), opened, speaking=current_language())


def _after_setup(arrival: LinkArrival) -> BaseResponse:
    if not arrival.account.subject.startswith("person-"):
        return redirect("/", 303)
    if arrival.link.purpose is LinkPurpose.RECOVER:
        return see_other("accounts.means")
    return to_registration(arrival.person, arrival.account.login, url_for("accounts.registered"))
