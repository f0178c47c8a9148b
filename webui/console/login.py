"""``/login``, ``/logout``: password, then code. ``/welcome/…``: a new administrator sets the account up."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.codes import CodeDraft
from appliance.administration.account_setup import AdministratorArrival
from appliance.errors import ApplianceError, PreconditionRefused, SignInRefused
from webui.console import access
from webui.console.parts import ConsoleParts
from webui.shared.forms import field, sentence
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_LOGIN,
    LONGEST_PASSWORD,
    LONGEST_SEALED,
    LONGEST_TICKET,
    REFUSALS,
    code_form,
    form_page,
    next_path,
    problems_of,
    refusal_status,
    repeated_password,
)

LONGEST_TOKEN = 300

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("entrance", __name__)
    _add_login(pages, parts)
    _add_welcome(pages, parts)
    _add_setup(pages, parts)
    return pages


def _add_login(pages: Blueprint, parts: ConsoleParts) -> None:
    sign_in = parts.administration.sign_in

    @pages.get("/login")
    def login() -> View:
        return redirect(_next(), 303) if access.visitor_or_none() else _first_page(parts)

    @pages.post("/login")
    def password() -> View:
        given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
        try:
            return _second_page(sign_in.check_password(*given, access.client_info()))
        except REFUSALS as refusal:
            return _first_page(parts, refusal)

    @pages.post("/login/code")
    def code() -> View:
        ticket = field("ticket", LONGEST_TICKET)
        try:
            opened = sign_in.check_code(ticket, field("code", LONGEST_CODE), access.client_info())
        except SignInRefused as refusal:
            return _second_page(ticket, refusal)
        except REFUSALS as refusal:
            return _first_page(parts, refusal)
        return access.admit(redirect(_next(), 303), opened)

    @pages.post("/logout")
    def logout() -> View:
        return access.dismiss(redirect("/login", 303))


def _first_page(parts: ConsoleParts, problem: ApplianceError | None = None) -> Response:
    page = render_template(
        "login.html",
        next=_next(),
        typed={"login": field("login", LONGEST_LOGIN)},
        problems=problems_of(problem),
        is_new=not parts.administration.administrators.everybody(),
    )
    return make_response(page, refusal_status(problem))


def _second_page(ticket: str, problem: ApplianceError | None = None) -> Response:
    page = render_template("code.html", ticket=ticket, next=_next(), problems=problems_of(problem, "code"))
    return make_response(page, refusal_status(problem))


def _next() -> str:
    return next_path("/login", "/logout", "/welcome")


def _add_welcome(pages: Blueprint, parts: ConsoleParts) -> None:
    setup = parts.administration.account_setup

    @pages.get("/welcome")
    def entry() -> View:
        return form_page("welcome.html", {})

    @pages.post("/welcome")
    def enter() -> View:
        token = field("token", LONGEST_TOKEN).strip().rstrip("/").rpartition("/")[2]
        try:
            setup.open_link(token)
        except ApplianceError as refusal:
            return form_page("welcome.html", {"token": sentence(refusal)})
        return redirect(url_for("entrance.arrival", token=token), 303)


def _add_setup(pages: Blueprint, parts: ConsoleParts) -> None:
    setup = parts.administration.account_setup

    def factor_page(arrived: AdministratorArrival, token: str, problems: dict[str, str], sealed: str = "") -> View:
        def draft(sealed: str) -> CodeDraft:
            return setup.code_draft(arrived, sealed=sealed)

        return code_form("factor.html", draft, problems, sealed, token=token)

    @pages.get("/welcome/<token>")
    def arrival(token: str) -> View:
        arrived = setup.open_link(token)
        if arrived.has_password and "password" not in request.args:
            return factor_page(arrived, token, {})
        return _password_page(arrived, token, {})

    @pages.post("/welcome/<token>")
    def choose(token: str) -> View:
        arrived = setup.open_link(token)
        given, problems = repeated_password()
        if problems:
            return _password_page(arrived, token, problems)
        try:
            further = setup.choose_password(arrived, given, code=field("code", LONGEST_CODE))
        except SignInRefused as refusal:
            return _password_page(arrived, token, {"code": sentence(refusal)})
        except PreconditionRefused as refusal:
            return _password_page(arrived, token, {"password": sentence(refusal)})
        return redirect(url_for("entrance.arrival", token=further or token), 303)

    @pages.post("/welcome/<token>/code")
    def prove(token: str) -> View:
        arrived = setup.open_link(token)
        sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
        try:
            opened = setup.finish_with_code(arrived, sealed, given, access.client_info())
        except PreconditionRefused as refusal:
            return factor_page(arrived, token, {"code": sentence(refusal)}, sealed)
        return access.admit(redirect("/", 303), opened)


def _password_page(arrived: AdministratorArrival, token: str, problems: dict[str, str]) -> Response:
    who, needs_code = arrived.administrator, arrived.needs_code
    return form_page("password.html", problems, who=who, token=token, needs_code=needs_code)
