"""``/login``, ``/logout``: password, then code. ``/welcome/…``: a new administrator sets the account up."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.account_setup import AdministratorArrival
from appliance.errors import ApplianceError, PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from webui.console import access
from webui.console.parts import ConsoleParts
from webui.console.speaking import field, sentence
from webui.shared.language import local_path, translate
from webui.shared.statuses import status_of

REFUSALS = (SignInRefused, StateRefused, TooManyAttempts)
LONGEST_LOGIN, LONGEST_PASSWORD, LONGEST_CODE, LONGEST_TICKET, LONGEST_SEALED = 100, 1000, 20, 4000, 1000
LONGEST_TOKEN = 300

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("entrance", __name__)
    _add_login(pages, parts)
    _add_welcome(pages, parts)
    return pages


def _add_login(pages: Blueprint, parts: ConsoleParts) -> None:
    signing_in = parts.administration.sign_in

    @pages.get("/login")
    def login() -> View:
        return redirect(_next(), 303) if access.visitor_or_none() else _first_page(parts)

    @pages.post("/login")
    def password() -> View:
        given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
        try:
            return _second_page(signing_in.check_password(*given, access.client_info()))
        except REFUSALS as refusal:
            return _first_page(parts, refusal)

    @pages.post("/login/code")
    def code() -> View:
        ticket = field("ticket", LONGEST_TICKET)
        try:
            opened = signing_in.check_code(ticket, field("code", LONGEST_CODE), access.client_info())
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
        problems={"": sentence(problem)} if problem else {},
        is_new=not parts.administration.administrators.everybody(),
    )
    return make_response(page, _status(problem))


def _second_page(ticket: str, problem: ApplianceError | None = None) -> Response:
    problems = {"code": sentence(problem)} if problem else {}
    page = render_template("code.html", ticket=ticket, next=_next(), problems=problems)
    return make_response(page, _status(problem))


def _add_welcome(pages: Blueprint, parts: ConsoleParts) -> None:
    welcoming = parts.administration.account_setup

    @pages.get("/welcome")
    def entry() -> str:
        return render_template("welcome.html", problems={})

    @pages.post("/welcome")
    def enter() -> View:
        token = field("token", LONGEST_TOKEN).strip().rstrip("/").rpartition("/")[2]
        try:
            welcoming.open_link(token)
        except ApplianceError as refusal:
            return make_response(render_template("welcome.html", problems={"token": sentence(refusal)}), 422)
        return redirect(url_for("entrance.arrival", token=token), 303)

    @pages.get("/welcome/<token>")
    def arrival(token: str) -> View:
        arrived = welcoming.open_link(token)
        if arrived.has_password and "password" not in request.args:
            return _factor_page(parts, arrived, token, {})
        return _password_page(arrived, token, {})

    @pages.post("/welcome/<token>")
    def choose(token: str) -> View:
        arrived = welcoming.open_link(token)
        given, code = field("password", LONGEST_PASSWORD), field("code", LONGEST_CODE)
        if given != field("again", LONGEST_PASSWORD):
            problems = {"again": translate()("The two passwords differ; type both again.")}
            return _password_page(arrived, token, problems)
        try:
            further = welcoming.choose_password(arrived, given, code=code)
        except SignInRefused as refusal:
            return _password_page(arrived, token, {"code": sentence(refusal)})
        except PreconditionRefused as refusal:
            return _password_page(arrived, token, {"password": sentence(refusal)})
        return redirect(url_for("entrance.arrival", token=further or token), 303)

    @pages.post("/welcome/<token>/code")
    def prove(token: str) -> View:
        arrived = welcoming.open_link(token)
        sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
        try:
            opened = welcoming.finish_with_code(arrived, sealed, given, access.client_info())
        except PreconditionRefused as refusal:
            return _factor_page(parts, arrived, token, {"code": sentence(refusal)}, sealed=sealed)
        return access.admit(redirect("/", 303), opened)


def _password_page(arrived: AdministratorArrival, token: str, problems: dict[str, str]) -> Response:
    who, needs_code = arrived.administrator, arrived.needs_code
    page = render_template("password.html", who=who, token=token, needs_code=needs_code, problems=problems)
    return make_response(page, 422 if problems else 200)


def _factor_page(
    parts: ConsoleParts, arrived: AdministratorArrival, token: str, problems: dict[str, str], *, sealed: str = ""
) -> Response:
    welcoming = parts.administration.account_setup
    try:
        draft = welcoming.code_draft(arrived, sealed=sealed)
    except PreconditionRefused as refusal:
        draft, problems = welcoming.code_draft(arrived), {"code": sentence(refusal)}
    page = render_template("factor.html", token=token, draft=draft, problems=problems)
    return make_response(page, 422 if problems else 200)


def _next() -> str:
    """Where to go afterwards: a path of this site, and not the sign-in page again."""
    path = local_path(request.values.get("next", "/")[:2000])
    return "/" if path.startswith(("/login", "/logout", "/welcome")) else path


def _status(problem: ApplianceError | None) -> int:
    return 200 if problem is None else 422 if isinstance(problem, SignInRefused) else status_of(problem)
