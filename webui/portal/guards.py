"""Requests that are refused before any view runs.

A request may bring files where files are expected, elsewhere no more than a form. During maintenance there is a
banner on every page, and only testers change anything. Reading goes on: pages, verification, the log, revocation
lists. So do signing in and out, so that testers get in. All other forms are answered by 503 with the time until
the expected end.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from appliance.model.administration import MaintenanceWindow
from appliance.wiring import Appliance
from webui.portal.access import visitor_or_none
from webui.shared import errors
from webui.shared.language import is_program, translate
from webui.shared.programs import CSC_TOKEN

TAKE_FILES: Final = frozenset(
    {
        "amending.draft_agreement",
        "drafting.attach",
        "drafting.create",
        "drafting.replace_document",
        "office.change_picture",
        "partners.add_document",
        "powers.register",
        "signatures.take",
        "verify.verify",
        "signing.hand_in",
        "office.register_authority",
        "writing.save",
        "writing.upload_list",
        "ownership.upload_table",
    }
)
"""The endpoints that read files; a test compares them with the code."""

ROOM_FOR_FORM: Final = 2 * 1024 * 1024
"""Bytes of a request that brings no file; what an expired session carries to the page to sign in is the most."""

LARGE_FORMS: Final = dict.fromkeys(("ownership.deposit", "ownership.table"), 8 * 1024 * 1024)
"""Endpoints whose forms have more, of those who are signed in: the list of ten thousand files of a deposit."""

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
GOES_ON = frozenset(
    {
        *("/login", "/login/code", "/login/passkey", "/login/provider/logout", "/logout"),
        *("/verify", "/ocsp", "/api/v1/token", CSC_TOKEN, "/api/v1/verifications"),
    }
)
"""Addresses that change nothing, or let who tests in."""

LEAST_WAIT = 300
"""Seconds that are said when it lasts longer than expected."""


def limit_uploads(app: Flask) -> None:
    """Answers 413 for a body that is larger than the address takes. The API limits its own."""

    @app.before_request
    def limit() -> None:
        if request.endpoint in TAKE_FILES or is_program():
            return
        room = ROOM_FOR_FORM
        if request.endpoint in LARGE_FORMS and visitor_or_none() is not None:
            room = request.max_form_memory_size = LARGE_FORMS[request.endpoint]
        request.max_content_length = room
        if (request.content_length or 0) > room:
            raise RequestEntityTooLarge


def hold_in_maintenance(app: Flask, appliance: Appliance) -> None:
    """Guards the forms of *app*, and gives its templates ``maintenance()``: what is announced, and whether it has
    begun."""
    maintenance = appliance.maintenance

    @app.before_request
    def hold() -> Response | None:
        window = maintenance.under_way() if request.method in CHANGING else None
        if window is None or _goes_on(window):
            return None
        sentence = translate()("This machine is being maintained: nothing is changed until that is over.")
        response = errors.answer(503, "maintenance", sentence)
        response.headers["Retry-After"] = str(window.seconds_left(appliance.now(), least=LEAST_WAIT))
        return response

    def announced() -> tuple[MaintenanceWindow, bool] | None:
        window = maintenance.window()
        return None if window is None else (window, window.is_under_way(appliance.now()))

    app.context_processor(lambda: {"maintenance": announced})


def _goes_on(window: MaintenanceWindow) -> bool:
    if request.path in GOES_ON:
        return True
    visitor = visitor_or_none()
    if visitor is None:
        return request.endpoint == "language.switch"  # nothing is kept but a cookie
    return visitor.subject in window.exceptions
