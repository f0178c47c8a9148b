"""What the forms of signing in and of one's own factors share, for portal and console: limits of fields, where to
go afterwards, passwords, and the page with a login code to scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request

from appliance.accounts.codes import CodeDraft
from appliance.accounts.sessions import ClientInfo
from appliance.errors import PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from hsm.errors import RefusalError
from webui.shared.errors import status_of
from webui.shared.form_pages import FormProblems, render
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


def refusal_status(refusal: RefusalError) -> int:
    """The status of a page that shows *refusal*."""
    return 422 if isinstance(refusal, SignInRefused) else status_of(refusal)


def require_old_password(confirm: Callable[[str, str, ClientInfo], None], owner: str) -> None:
    """Raises :class:`FormProblems` unless the posted password (field ``old``) of *owner* is right."""
    try:
        confirm(owner, field("old", LONGEST_PASSWORD), client_info())
    except (SignInRefused, TooManyAttempts) as refusal:
        raise FormProblems({"old": sentence(refusal)}, refusal_status(refusal)) from refusal


def repeated_password() -> str:
    """The new password. Raises :class:`FormProblems` when it was typed otherwise the second time (``again``)."""
    given = field("password", LONGEST_PASSWORD)
    if given != field("again", LONGEST_PASSWORD):
        raise FormProblems({"again": translate()("The two passwords differ; type both again.")})
    return given


def code_form(template: str, draft: Callable[[str], CodeDraft], **shown: Any) -> Response:
    """The form to scan a login code; *draft* makes a secret, or opens the sealed one of an earlier form."""
    try:
        drafted = draft(field("sealed", LONGEST_SEALED))
    except PreconditionRefused as refusal:
        drafted, g.form_problems = draft(""), FormProblems({"code": sentence(refusal)})
    return render(template, draft=drafted, **shown)
