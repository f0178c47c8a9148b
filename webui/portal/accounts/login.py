"""``/login`` and ``/logout``: password then code, or a passkey; afterwards on to where one wanted to go."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.accounts.sign_in import PasswordPassed
from appliance.errors import ApplianceError, SignInRefused
from appliance.model.accounts import OpenedSession
from webui.portal import access
from webui.portal.parts import PortalParts
from webui.shared import passkeys
from webui.shared.forms import field
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_LOGIN,
    LONGEST_PASSWORD,
    LONGEST_TICKET,
    REFUSALS,
    next_path,
    problems_of,
    refusal_status,
)

View = BaseResponse | str


def add_login_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts = parts.appliance.accounts

    def first_page(problem: ApplianceError | None = None) -> Response:
        page = render_template(
            "accounts/login.html",
            offer=accounts.sign_in.passkey_offer(),
            next=_next(),
            carried=field("carried", access.MOST_LETTERS),
            typed={"login": field("login", LONGEST_LOGIN)},
            problems=problems_of(problem),
            again=False,
        )
        return make_response(page, refusal_status(problem))

    def second_page(passed: PasswordPassed, problem: ApplianceError | None = None) -> Response:
        page = render_template(
            "accounts/code.html",
            passed=passed,
            offer=accounts.sign_in.passkey_offer(),
            next=_next(),
            carried=field("carried", access.MOST_LETTERS),
            problems=problems_of(problem, "code"),
        )
        return make_response(page, refusal_status(problem))

    def attempt(sign_in: Callable[[], OpenedSession], back: Callable[[ApplianceError], Response]) -> View:
        try:
            opened = sign_in()
        except REFUSALS as refusal:
            return back(refusal)
        return access.start_session(_onwards(parts, opened), opened)

    @pages.get("/login")
    def login() -> View:
        return redirect(_next(), 303) if access.visitor_or_none() else first_page()

    @pages.post("/login")
    def password() -> View:
        given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
        try:
            return second_page(accounts.sign_in.check_password(*given, client_info()))
        except REFUSALS as refusal:
            return first_page(refusal)

    @pages.post("/login/code")
    def code() -> View:
        passed = PasswordPassed(field("ticket", LONGEST_TICKET), True)

        def back(refusal: ApplianceError) -> Response:
            return second_page(passed, refusal) if isinstance(refusal, SignInRefused) else first_page(refusal)

        given = field("code", LONGEST_CODE)
        return attempt(lambda: accounts.sign_in.check_code(passed.ticket, given, client_info()), back)

    @pages.post("/login/passkey")
    def passkey() -> View:
        given = field("ticket", LONGEST_TICKET), field(passkeys.FIELD, LONGEST_ANSWER)
        return attempt(lambda: accounts.sign_in.check_passkey(*given, client_info()), first_page)

    @pages.post("/logout")
    def logout() -> View:
        return access.end_session(redirect("/", 303))


def _onwards(parts: PortalParts, opened: OpenedSession) -> BaseResponse:
    """To the page that was wanted; or a form is posted that the end of a session had stopped."""
    tickets = parts.appliance.accounts.tickets
    carried = access.unpack_form(tickets, field("carried", access.MOST_LETTERS), now=parts.appliance.now())
    if carried is None or carried.subject != opened.session.subject:
        return redirect("/" if carried else _next(), 303)
    return make_response(render_template("accounts/resume.html", carried=carried))


def _next() -> str:
    return next_path("/login", "/logout")
