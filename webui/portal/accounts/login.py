"""``/login`` and ``/logout``: password then code, or a passkey; afterwards on to where one wanted to go."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.accounts.sign_in import PasswordPassed
from appliance.errors import ApplianceError, SignInRefused, StateRefused, TooManyAttempts
from appliance.model.accounts import OpenedSession
from webui.portal import access, carried_forms
from webui.portal.accounts.forms import field, sentence
from webui.portal.parts import PortalParts
from webui.shared import passkeys
from webui.shared.language import local_path
from webui.shared.statuses import status_of

REFUSALS = (SignInRefused, StateRefused, TooManyAttempts)
LONGEST_LOGIN, LONGEST_PASSWORD, LONGEST_CODE = 100, 1000, 20

View = BaseResponse | str


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts = parts.appliance.accounts

    def first_page(problem: ApplianceError | None = None) -> Response:
        page = render_template(
            "accounts/login.html",
            offer=accounts.sign_in.passkey_offer(),
            next=_next(),
            carried=field("carried", carried_forms.MOST_LETTERS),
            typed={"login": field("login", LONGEST_LOGIN)},
            problems={"": sentence(problem)} if problem else {},
            again=False,
        )
        return make_response(page, _status(problem))

    def second_page(passed: PasswordPassed, problem: ApplianceError | None = None) -> Response:
        page = render_template(
            "accounts/code.html",
            passed=passed,
            offer=accounts.sign_in.passkey_offer(),
            next=_next(),
            carried=field("carried", carried_forms.MOST_LETTERS),
            problems={"code": sentence(problem)} if problem else {},
        )
        return make_response(page, _status(problem))

    def attempt(sign_in: Callable[[], OpenedSession], back: Callable[[ApplianceError], Response]) -> View:
        try:
            opened = sign_in()
        except REFUSALS as refusal:
            return back(refusal)
        return access.admit(_onwards(parts, opened), opened)

    @pages.get("/login")
    def login() -> View:
        return redirect(_next(), 303) if access.visitor_or_none() else first_page()

    @pages.post("/login")
    def password() -> View:
        given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
        try:
            return second_page(accounts.sign_in.check_password(*given, access.client_info()))
        except REFUSALS as refusal:
            return first_page(refusal)

    @pages.post("/login/code")
    def code() -> View:
        passed = PasswordPassed(field("ticket", 4000), True)

        def back(refusal: ApplianceError) -> Response:
            return second_page(passed, refusal) if isinstance(refusal, SignInRefused) else first_page(refusal)

        given = field("code", LONGEST_CODE)
        return attempt(lambda: accounts.sign_in.check_code(passed.ticket, given, access.client_info()), back)

    @pages.post("/login/passkey")
    def passkey() -> View:
        given = field("ticket", 4000), field(passkeys.FIELD, LONGEST_ANSWER)
        return attempt(lambda: accounts.sign_in.check_passkey(*given, access.client_info()), first_page)

    @pages.post("/logout")
    def logout() -> View:
        return access.dismiss(redirect("/", 303))


def _onwards(parts: PortalParts, opened: OpenedSession) -> BaseResponse:
    """To the page that was wanted; or a form is posted that the end of a session had stopped."""
    tickets = parts.appliance.accounts.tickets
    carried = carried_forms.unpack_form(tickets, field("carried", carried_forms.MOST_LETTERS), now=parts.now())
    if carried is None or carried.subject != opened.session.subject:
        return redirect("/" if carried else _next(), 303)
    return make_response(render_template("accounts/resume.html", carried=carried))


def _next() -> str:
    """Where to go afterwards: a path of this site, and not the sign-in page again."""
    path = local_path(request.values.get("next", "/")[:2000])
    return "/" if path.startswith(("/login", "/logout")) else path


def _status(problem: ApplianceError | None) -> int:
    return 200 if problem is None else 422 if isinstance(problem, SignInRefused) else status_of(problem)
