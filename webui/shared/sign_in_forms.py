"""What the forms of signing in and of one's own factors share, for portal and console: limits of fields, where to
go afterwards, and problems at their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Response, make_response, render_template, request

from appliance.accounts.codes import CodeDraft
from appliance.accounts.sessions import ClientInfo
from appliance.errors import ApplianceError, PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from webui.shared.errors import Refusal, status_of
from webui.shared.forms import field, sentence
from webui.shared.language import local_path, translate
from webui.shared.session_cookies import client_info

REFUSALS = (SignInRefused, StateRefused, TooManyAttempts)
"""What the steps of signing in refuse with; each is shown in the form."""

LONGEST_LOGIN, LONGEST_PASSWORD, LONGEST_CODE, LONGEST_TICKET, LONGEST_SEALED = 100, 1000, 20, 4000, 1000


def next_path(*sign_in_pages: str) -> str:
    """Where to go afterwards: a path of this site, and not one of the *sign_in_pages* again."""
    path = local_path(request.values.get("next", "/")[:2000])
    return "/" if path.startswith(sign_in_pages) else path


def refusal_status(problem: Refusal | None) -> int:
    """The status of a page that shows *problem*, if there is one."""
    return 200 if problem is None else 422 if isinstance(problem, SignInRefused) else status_of(problem)


def problems_of(problem: ApplianceError | None, place: str = "") -> dict[str, str]:
    """The sentence of *problem* at its *place* in the form."""
    return {place: sentence(problem)} if problem else {}


def form_page(template: str, problems: Mapping[str, str], **shown: object) -> Response:
    """A form: 422 when it has problems."""
    return make_response(render_template(template, problems=problems, **shown), 422 if problems else 200)


def old_password_problem(confirm: Callable[[str, str, ClientInfo], None], owner: str) -> dict[str, str]:
    """Nothing when the posted password (field ``old``) of *owner* is right, else the problem at its place."""
    try:
        confirm(owner, field("old", LONGEST_PASSWORD), client_info())
    except (SignInRefused, TooManyAttempts) as refusal:
        return {"old": sentence(refusal)}
    return {}


def problem_at(place: str, change: Callable[[], None]) -> dict[str, str]:
    """Makes a *change*; the sentence at its *place* in the form when it is refused."""
    try:
        change()
    except PreconditionRefused as refusal:
        return {place: sentence(refusal)}
    return {}


def repeated_password() -> tuple[str, dict[str, str]]:
    """The new password, and the problem when it was typed otherwise the second time (field ``again``)."""
    given = field("password", LONGEST_PASSWORD)
    if given == field("again", LONGEST_PASSWORD):
        return given, {}
    return given, {"again": translate()("The two passwords differ; type both again.")}


def code_form(
    template: str, draft: Callable[[str], CodeDraft], problems: dict[str, str], sealed: str, **shown: object
) -> Response:
    """The form to scan a login code; *draft* makes a secret, or opens the *sealed* one of an earlier form."""
    try:
        drafted = draft(sealed)
    except PreconditionRefused as refusal:
        drafted, problems = draft(""), {"code": sentence(refusal)}
    return form_page(template, problems, draft=drafted, **shown)
