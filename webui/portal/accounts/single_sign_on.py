"""``/login/provider``: to the identity provider, and back by ``/login/provider/done``; ``/login/provider/logout``
is where the provider itself ends sessions (OpenID Connect Back-Channel Logout 1.0).

Whatever goes wrong is said on the page to sign in, where local accounts can go on. The provider takes its time on
no more than half of the threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Response, jsonify, redirect, request
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from appliance.directories.single_sign_on import LONGEST_ANSWER, SignOnAnswer, SignOnRefused
from appliance.directory_service.client import DirectoryUnavailable
from appliance.errors import TokenRefused
from webui.portal import access
from webui.portal.accounts.login import sign_in_page
from webui.portal.accounts.settings import pages
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer
from webui.shared.forms import sentence
from webui.shared.language import translate
from webui.shared.room import Checks
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import next_path

MACHINES = frozenset({"accounts.end_by_provider"})
"""No form: the identity provider posts here, and its token says that it is it."""

LASTS = 600
"""Seconds for which the cookie of a sign-in that has begun is kept."""

LONGEST_TICKET = 4000
LONGEST_LOGOUT = 64 * 1024
_PLACE = b"identity provider"


@pages.get("/login/provider")
def to_provider() -> Answer:
    _require_offered()
    path = next_path("/login", "/logout")
    if access.visitor_or_none() is not None:
        return redirect(path, 303)
    try:
        with _room():
            begun = appliance.single_sign_on.begin(path)
    except (DirectoryUnavailable, ServiceUnavailable):
        return _unavailable(path)
    response = redirect(begun.address, 303)
    response.set_cookie(_cookie(), begun.ticket, max_age=LASTS, **_kind())
    return response


@pages.get("/login/provider/done")
def from_provider() -> Answer:
    """Back from the provider, with a code or with an error."""
    _require_offered()
    given = {name: request.args.get(name, "")[: LONGEST_ANSWER + 1] for name in ("state", "code", "iss", "error")}
    ticket = request.cookies.get(_cookie(), "")[:LONGEST_TICKET]
    response = _answered(ticket, SignOnAnswer(given["state"], given["code"], given["iss"], given["error"]))
    response.delete_cookie(_cookie(), **_kind())
    return response


def _answered(ticket: str, answer: SignOnAnswer) -> BaseResponse:
    try:
        with _room():
            signed = appliance.single_sign_on.complete(ticket, answer, client_info())
    except SignOnRefused as refusal:
        return sign_in_page(sentence(refusal), 403, appliance.single_sign_on.path_of(ticket))
    except (DirectoryUnavailable, ServiceUnavailable):
        return _unavailable(appliance.single_sign_on.path_of(ticket))
    return access.start_session(redirect(signed.path, 303), signed.opened)


@pages.post("/login/provider/logout")
def end_by_provider() -> Answer:
    """The answers are those of Back-Channel Logout 1.0, 2.8."""
    _require_offered()
    token = request.form.get("logout_token", "")[: LONGEST_LOGOUT + 1]
    try:
        with _room():
            appliance.single_sign_on.end_by_provider(token)
    except TokenRefused as refusal:
        return jsonify({"error": "invalid_request", "error_description": refusal.template}), 400
    except DirectoryUnavailable as refusal:
        return jsonify({"error": "temporarily_unavailable", "error_description": refusal.template}), 503
    return "", 200


def _unavailable(path: str) -> Response:
    said = translate()(
        "The identity provider cannot be reached now, so nobody signs in through it. Try again in some minutes;"
        " local accounts can sign in below."
    )
    return sign_in_page(said, 503, path)


def _cookie() -> str:
    """What the cookie of a sign-in that has begun is called: with TLS no other host can set it."""
    return "__Host-sign-on" if _secure() else "sign-on"


def _kind() -> dict[str, Any]:
    # Lax: the provider's answer comes by a navigation from its site
    return {"httponly": True, "samesite": "Lax", "secure": _secure(), "path": "/"}


def _secure() -> bool:
    return appliance.settings.web.public_url.startswith("https:")


def _require_offered() -> None:
    if not appliance.single_sign_on.offered:
        raise NotFound


@contextmanager
def _room() -> Iterator[None]:
    """Raises ServiceUnavailable where too many wait for the provider already."""
    with _places(appliance.settings.web.threads).of(_PLACE):
        yield


@cache
def _places(threads: int) -> Checks:
    most = max(1, threads // 2)
    return Checks(most, of_each=most)
