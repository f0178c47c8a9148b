"""Forms that only our own pages can send: a token in the form that answers to a cookie (signed double submit).

1. The first page with a form sets a random cookie; `SameSite=Strict` keeps it from foreign pages' requests. Pages
   that others may frame have one of their own (:mod:`webui.shared.headers`).
2. The form carries HMAC-SHA-256(key, cookie); without our key nobody makes one, not even who can set cookies.
3. A POST without both, or with `Sec-Fetch-Site` naming another site, is refused before the view runs.
4. So is one with characters that no keyboard makes (NUL and its like): no field of ours can mean them.

A form that makes something runs once (:func:`address_once`): a second submit leads to what the first made.
The macro ``token(single=true)`` writes its hidden field ``once``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import BadRequest, Forbidden

from appliance.errors import ApplianceError
from appliance.submissions import Submissions
from hsm.errors import RefusalError
from webui.shared.headers import framed_path, read_framed_cookie, set_framed_cookie
from webui.shared.language import is_program, translate

E = TypeVar("E", bound=StrEnum)

FIELD = "form_token"
_COOKIE = "vermilion-form-cookie"
_UNTYPED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""C0 controls but tab, line ends, and the vertical tabs and form feeds that word processors leave in pastes."""


def install(app: Flask, *, key: bytes, secure: bool, exempt: frozenset[str] = frozenset()) -> None:
    """Guards every POST of *app* but those of the endpoints in *exempt* and of programs, which no browser sends by
    itself; ``form_token`` is for the templates."""
    cookie = "__Host-form" if secure else "form"

    def kept() -> str:
        return (
            request.cookies.get(cookie, "") if framed_path() is None else read_framed_cookie("form", secure=secure)
        )

    def token(value: str) -> str:
        return hmac.digest(key, b"form\n" + value.encode(), "sha256").hex()

    def form_token() -> str:
        if "form_cookie" not in g:
            g.form_cookie = kept() or secrets.token_urlsafe(24)
        return token(g.form_cookie)

    @app.before_request
    def guard() -> None:
        if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in exempt or is_program():
            return
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("foreign form")
        value = kept()
        given = request.form.get(FIELD, "").encode()  # compare_digest takes only ASCII as text
        if not value or not hmac.compare_digest(token(value).encode(), given):
            raise Forbidden("stale form")
        if any(_UNTYPED.search(typed) for _, typed in request.form.items(multi=True)):
            raise BadRequest

    @app.after_request
    def remember(response: Response) -> Response:
        if "form_cookie" in g and framed_path() is not None:
            set_framed_cookie(response, "form", g.form_cookie, secure=secure)
        elif "form_cookie" in g:
            response.set_cookie(cookie, g.form_cookie, httponly=True, samesite="Strict", secure=secure)
        return response

    app.jinja_env.globals.update(form_token=form_token, form_field=FIELD)
    app.extensions[_COOKIE] = cookie


def browser_mark() -> str:
    """By what the browser of this request is known again (SHA-256, hex): the cookie of its forms; empty without
    one."""
    value = request.cookies.get(current_app.extensions[_COOKIE], "")
    return hashlib.sha256(value.encode()).hexdigest() if value else ""


def field(name: str, most: int = 1000) -> str:
    """The posted field, cut where no right value can be any more; empty when it is missing."""
    return request.form.get(name, "")[: most + 1]


def whole_number(text: str, digits: int) -> int | None:
    """The number that *text* writes in at most so many decimal digits, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def posted_number(name: str, digits: int) -> int:
    """The number in the posted field. Raises :class:`BadRequest` for none."""
    number = whole_number(request.form.get(name, ""), digits)
    if number is None:
        raise BadRequest
    return number


_BETWEEN, _BETWEEN_NAMES = re.compile(r"[\n;；,，、]+"), re.compile(r"[\n;；]+")


def listed(text: str, *, names: bool = False) -> tuple[str, ...]:
    """The entries of *text*, on lines of their own or with commas or semicolons between them; commas do not divide
    *names* of organisations, such as “Delta Trading Co., Ltd.”."""
    between = _BETWEEN_NAMES if names else _BETWEEN
    return tuple(each.strip() for each in between.split(text) if each.strip())


def date_of(text: str) -> date | None:
    """The day that *text* writes as ``2026-11-25``, or None; also for one of the first and last year of the
    calendar, whose hours the clocks of some zones never show."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min.year < day.year < date.max.year else None


def member_of(choices: type[E], text: str) -> E | None:
    """The one of *choices* that *text* is the value of, or None."""
    return choices(text) if text in tuple(choices) else None


def sentence(refusal: RefusalError) -> str:
    """The refusal in the reader's language."""
    return translate()(refusal.template, **refusal.values)


def sentences(refusals: Mapping[str, ApplianceError]) -> dict[str, str]:
    """The same for the refusals of some fields."""
    return {name: sentence(refusal) for name, refusal in refusals.items()}


ONCE_FIELD = "once"
_VALUE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def address_once(submissions: Submissions, subject: str, make: Callable[[], str]) -> str:
    """The address (a path) that *make* returns, or that it returned when *subject* sent this form the first time.

    What *make* raises is raised, and the form may be sent again. Raises as
    :meth:`~appliance.submissions.Submissions.claim`.
    """
    posted = request.form.get(ONCE_FIELD, "")
    value = posted if _VALUE.fullmatch(posted) else ""
    before = submissions.claim(subject, value)
    if before is not None:
        return before
    try:
        made = make()
    except BaseException:
        submissions.release(subject, value)
        raise
    submissions.finish(subject, value, made)
    return made


def install_single_submission(app: Flask) -> None:
    """Gives the templates of *app* ``once()``: a new one, or the posted one when a form is shown again."""

    def once() -> str:
        posted = request.form.get(ONCE_FIELD, "") if request.method == "POST" else ""
        return posted if _VALUE.fullmatch(posted) else secrets.token_urlsafe(18)

    app.jinja_env.globals.update(once=once)  # a global: macros see it too
