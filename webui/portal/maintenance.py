"""Maintenance in the portal: a banner on every page, and nothing is changed but by those who test.

What only reads goes on: pages, verification, the log, revocation lists. Signing in and out too, so that who tests
gets in. Everything else that a form does is answered by 503 with the time until the expected end.
"""

from __future__ import annotations

from flask import Flask, Response, request

from appliance.maintenance import Maintenance
from appliance.model.administration import MaintenanceWindow
from webui.portal.access import visitor_or_none
from webui.portal.parts import PortalParts
from webui.shared import errors
from webui.shared.language import translate

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
GOES_ON = frozenset({"/login", "/login/code", "/login/passkey", "/logout", "/verify", "/ocsp"})
"""Addresses of forms that change nothing, or let who tests in."""

LEAST_WAIT = 300
"""Seconds that are said when it lasts longer than expected."""


def install(app: Flask, parts: PortalParts) -> None:
    """Guards the forms of *app*, and gives its templates ``maintenance()``."""
    maintenance = parts.appliance.maintenance

    @app.before_request
    def hold() -> Response | None:
        window = maintenance.under_way() if request.method in CHANGING else None
        if window is None or _goes_on(window):
            return None
        sentence = translate()("This machine is being maintained: nothing is changed until that is over.")
        response = errors.answer(503, "maintenance", sentence)
        response.headers["Retry-After"] = str(window.seconds_left(parts.appliance.now(), least=LEAST_WAIT))
        return response

    app.context_processor(lambda: {"maintenance": lambda: _announced(maintenance, parts)})


def _goes_on(window: MaintenanceWindow) -> bool:
    if request.path in GOES_ON:
        return True
    visitor = visitor_or_none()
    if visitor is None:
        return request.endpoint == "language.switch"  # nothing is kept but a cookie
    return visitor.subject in window.exceptions


def _announced(maintenance: Maintenance, parts: PortalParts) -> tuple[MaintenanceWindow, bool] | None:
    """For the banner: what is announced, and whether it has begun."""
    window = maintenance.window()
    return None if window is None else (window, window.is_under_way(parts.appliance.now()))
