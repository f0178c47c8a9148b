"""Forms that only our own pages can send: a token in the form that answers to a cookie (signed double submit).

1. The first page with a form sets a random cookie; `SameSite=Strict` keeps it from foreign pages' requests.
2. The form carries HMAC-SHA-256(key, cookie); without our key nobody makes one, not even who can set cookies.
3. A POST without both, or with `Sec-Fetch-Site` naming another site, is refused before the view runs.
4. So is one with characters that no keyboard makes (NUL and its like): no field of ours can mean them.
"""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest, Forbidden

from appliance.errors import ApplianceError
from hsm.errors import AuthorityError
from webui.shared.language import translate

FIELD = "form_token"
_UNTYPED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""C0 controls but tab, line ends, and the vertical tabs and form feeds that word processors leave in pastes."""


def install(app: Flask, *, key: bytes, secure: bool, exempt: frozenset[str] = frozenset()) -> None:
    """Guards every POST of *app* but those of the endpoints in *exempt*; ``form_token`` is for the templates."""
    cookie = "__Host-form" if secure else "form"

    def token(value: str) -> str:
        return hmac.digest(key, b"form\n" + value.encode(), "sha256").hex()

    def form_token() -> str:
        if "form_cookie" not in g:
            g.form_cookie = request.cookies.get(cookie) or secrets.token_urlsafe(24)
        return token(g.form_cookie)

    @app.before_request
    def guard() -> None:
        if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in exempt:
            return
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("foreign form")
        value = request.cookies.get(cookie, "")
        given = request.form.get(FIELD, "").encode()  # compare_digest takes only ASCII as text
        if not value or not hmac.compare_digest(token(value).encode(), given):
            raise Forbidden("stale form")
        if any(_UNTYPED.search(typed) for _, typed in request.form.items(multi=True)):
            raise BadRequest

    @app.after_request
    def remember(response: Response) -> Response:
        if "form_cookie" in g:
            response.set_cookie(cookie, g.form_cookie, httponly=True, samesite="Strict", secure=secure)
        return response

    app.jinja_env.globals.update(form_token=form_token, form_field=FIELD)


def field(name: str, most: int) -> str:
    """The posted field, cut where no right value can be any more; empty when it is missing."""
    return request.form.get(name, "")[: most + 1]


def sentence(refusal: ApplianceError | AuthorityError) -> str:
    """The refusal in the reader's language."""
    return translate()(refusal.template, **refusal.values)
