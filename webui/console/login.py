"""``/login``, ``/logout``: password, then code. ``/welcome/…``: a new administrator sets the account up."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.sessions import ClientInfo
from appliance.administration.account_setup import AdministratorArrival
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, SignInRefused
from webui.console import access
from webui.console.access import administration
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable
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
    next_path,
    refusal_status,
    repeated_password,
)

LONGEST_TOKEN = 300

blueprint = Blueprint("entrance", __name__)


def _first_page() -> Answer:
    return render(
        "login.html",
        next=_next(),
        typed={"login": field("login", LONGEST_LOGIN)},
        is_new=not administration.administrators.everybody(),
    )


def _second_page(ticket: str, **problems: str) -> Answer:
    status = 422 if problems else 200
    return render("code.html", status=status, ticket=ticket, next=_next(), problems=problems)


@blueprint.get("/login")
def login() -> Answer:
    return redirect(_next(), 303) if access.visitor_or_none() else _first_page()


@blueprint.post("/login")
@form(_first_page, client_info, refusals=REFUSALS, status=refusal_status)
def password(client: ClientInfo) -> Answer:
    """The first step; the second one's form."""
    given = field("login", LONGEST_LOGIN), field("password", LONGEST_PASSWORD)
    return _second_page(administration.sign_in.check_password(*given, client))


@blueprint.post("/login/code")
@form(_first_page, client_info, refusals=REFUSALS, status=refusal_status)
def code(client: ClientInfo) -> Answer:
    """The second step; then one is in."""
    ticket = field("ticket", LONGEST_TICKET)
    try:
        opened = administration.sign_in.check_code(ticket, field("code", LONGEST_CODE), client)
    except SignInRefused as refusal:
        return _second_page(ticket, code=sentence(refusal))
    return access.admit(redirect(_next(), 303), opened)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    return access.dismiss(redirect("/login", 303))


def _next() -> str:
    return next_path("/login", "/logout", "/welcome")


@blueprint.get("/welcome")
def entry() -> Answer:
    """The form for a link that was copied by hand."""
    return render("welcome.html")


@blueprint.post("/welcome")
@form(entry, lambda: None, "token", refusals=(ApplianceError, NotFound), status=unprocessable)
def enter(_: None) -> Answer:
    """To where the link leads."""
    token = field("token", LONGEST_TOKEN).strip().rstrip("/").rpartition("/")[2]
    administration.account_setup.open_link(token)
    return see_other("entrance.arrival", token=token)


def _arrive(token: str) -> AdministratorArrival:
    """Whose link this is, asked once for each request: a form is shown again also when the link has just ended."""
    if "arrived" not in g:
        g.arrived = administration.account_setup.open_link(token)
    return g.arrived  # type: ignore[no-any-return]  # g is untyped


def _passwords(token: str) -> Answer:
    arrived = _arrive(token)
    return render("password.html", who=arrived.administrator, token=token, needs_code=arrived.needs_code)


def _factors(token: str) -> Answer:
    arrived, setup = _arrive(token), administration.account_setup
    return code_form("factor.html", lambda sealed: setup.code_draft(arrived, sealed=sealed), token=token)


@blueprint.get("/welcome/<token>")
def arrival(token: str) -> Answer:
    """The step of the set-up that is next."""
    if _arrive(token).has_password and "password" not in request.args:
        return _factors(token)
    return _passwords(token)


@blueprint.post("/welcome/<token>")
@form(
    _passwords,
    _arrive,
    lambda refusal: "code" if isinstance(refusal, SignInRefused) else "password",
    refusals=(SignInRefused, PreconditionRefused),
    status=unprocessable,
)
def choose(arrived: AdministratorArrival, token: str) -> Answer:
    """The password, with the code of the link where it takes one."""
    code = field("code", LONGEST_CODE)
    further = administration.account_setup.choose_password(arrived, repeated_password(), code=code)
    return see_other("entrance.arrival", token=further or token)


@blueprint.post("/welcome/<token>/code")
@form(_factors, _arrive, "code", refusals=(PreconditionRefused,), status=unprocessable)
def prove(arrived: AdministratorArrival, **_address: object) -> Answer:
    """The login code; then one is in."""
    given = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    opened = administration.account_setup.finish_with_code(arrived, *given, client_info())
    return access.admit(redirect("/", 303), opened)
