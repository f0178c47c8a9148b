"""``/livez``: the process answers. ``/readyz``: what it needs answers too; else 503 with the reasons. ``/clock``:
all that is known of the time. Programs on this machine get the full report, all others a summary."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from appliance.health import Observations
from appliance.health.check_context import CheckContext
from appliance.health.surveys import readiness
from appliance.time_sources import read_time_sources
from appliance.wiring import Appliance
from webui.shared.clock import ClockView


def blueprint(appliance: Appliance) -> Blueprint:
    """The two addresses."""
    pages = Blueprint("health", __name__)
    observations = Observations(appliance.settings.home.health)

    @pages.get("/livez")
    def livez() -> Response:
        return jsonify({"alive": True})

    @pages.get("/readyz")
    def readyz() -> Response:
        home, now = appliance.settings.home, appliance.now()
        context = CheckContext(home, now, appliance.authority, opened=appliance.database)
        found = readiness(context, observations)
        report = found.report() if _is_here() else found.summary()
        return make_response(jsonify(report), 200 if found.ready else 503)

    return pages


def _is_here() -> bool:
    """Whether a program on this machine asks; over a Unix socket, without the web front, there is no address."""
    return request.remote_addr in (None, "", "127.0.0.1", "::1")


def clock_blueprint(view: ClockView, *, address: str) -> Blueprint:
    """The page. *address* is the public one, for programs."""
    pages = Blueprint("clock", __name__)

    @pages.get("/clock")
    def page() -> str:
        now = datetime.now(UTC).replace(microsecond=0)
        sources = read_time_sources(now)
        return render_template("clock.html", report=view.report(), sources=sources, now=now, address=address)

    return pages
