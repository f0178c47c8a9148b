"""``/login``, ``/logout``: password, then code. ``/welcome/…``: a new administrator sets the account up."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.account_setup import AdministratorArrival
from appliance.errors import ApplianceError, PreconditionRefused, SignInRefused
from webui.console import access
from webui.console.access import administration
from webui.shared.forms import field, sentence
from webui.shared.session_cookies import client_info
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


blueprint = Blueprint("entrance", __name__)


@blueprint.get("/login")
def login() -> View:
    """The first step's form."""
    return redirect(_next(), 303) if access.visitor_or_none() else _first_page()


@blueprint.post("/login")
def password() -> View:
    """The first step; the second one's form."""
    given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
    try:
        return _second_page(administration().sign_in.check_password(*given, client_info()))
    except REFUSALS as refusal:
        return _first_page(refusal)


@blueprint.post("/login/code")
def code() -> View:
    """The second step; then one is in."""
    ticket = field("ticket", LONGEST_TICKET)
    try:
        opened = administration().sign_in.check_code(ticket, field("code", LONGEST_CODE), client_info())
    except SignInRefused as refusal:
        return _second_page(ticket, refusal)
    except REFUSALS as refusal:
        return _first_page(refusal)
    return access.admit(redirect(_next(), 303), opened)


@blueprint.post("/logout")
def logout() -> View:
    """Signs out."""
    return access.dismiss(redirect("/login", 303))


def _first_page(problem: ApplianceError | None = None) -> Response:
    page = render_template(
        "login.html",
        next=_next(),
        typed={"login": field("login", LONGEST_LOGIN)},
        problems=problems_of(problem),
        is_new=not administration().administrators.everybody(),
    )
    return make_response(page, refusal_status(problem))


def _second_page(ticket: str, problem: ApplianceError | None = None) -> Response:
    page = render_template("code.html", ticket=ticket, next=_next(), problems=problems_of(problem, "code"))
    return make_response(page, refusal_status(problem))


def _next() -> str:
    return next_path("/login", "/logout", "/welcome")


@blueprint.get("/welcome")
def entry() -> View:
    """The form for a link that was copied by hand."""
    return form_page("welcome.html", {})


@blueprint.post("/welcome")
def enter() -> View:
    """To where the link leads."""
    token = field("token", LONGEST_TOKEN).strip().rstrip("/").rpartition("/")[2]
    try:
        administration().account_setup.open_link(token)
    except ApplianceError as refusal:
        return form_page("welcome.html", {"token": sentence(refusal)})
    return redirect(url_for("entrance.arrival", token=token), 303)


@blueprint.get("/welcome/<token>")
def arrival(token: str) -> View:
    """The step of the set-up that is next."""
    arrived = administration().account_setup.open_link(token)
    if arrived.has_password and "password" not in request.args:
        return _factor_page(arrived, token, {})
    return _password_page(arrived, token, {})


@blueprint.post("/welcome/<token>")
def choose(token: str) -> View:
    """The password, with the code of the link where it takes one."""
    setup = administration().account_setup
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


@blueprint.post("/welcome/<token>/code")
def prove(token: str) -> View:
    """The login code; then one is in."""
    setup = administration().account_setup
    arrived = setup.open_link(token)
    sealed, given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    try:
        opened = setup.finish_with_code(arrived, sealed, given, client_info())
    except PreconditionRefused as refusal:
        return _factor_page(arrived, token, {"code": sentence(refusal)}, sealed)
    return access.admit(redirect("/", 303), opened)


def _factor_page(arrived: AdministratorArrival, token: str, problems: dict[str, str], sealed: str = "") -> View:
    setup = administration().account_setup
    return code_form(
        "factor.html", lambda sealed: setup.code_draft(arrived, sealed=sealed), problems, sealed, token=token
    )


def _password_page(arrived: AdministratorArrival, token: str, problems: dict[str, str]) -> Response:
    who, needs_code = arrived.administrator, arrived.needs_code
    return form_page("password.html", problems, who=who, token=token, needs_code=needs_code)
