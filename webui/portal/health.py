"""``/livez``: the process answers. ``/readyz``: what it needs answers too; else 503 with the reasons."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response

from appliance.health import Observations
from appliance.health.bench import Bench
from appliance.health.readiness import readiness
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """The two addresses."""
    pages = Blueprint("health", __name__)
    observations = Observations(parts.settings.home.health)

    @pages.get("/livez")
    def livez() -> Response:
        return jsonify({"alive": True})

    @pages.get("/readyz")
    def readyz() -> Response:
        bench = Bench(parts.settings.home, parts.now(), parts.authority, opened=parts.appliance.database)
        found = readiness(bench, observations)
        return make_response(jsonify(found.report()), 200 if found.ready else 503)

    return pages
