"""``/livez``, ``/readyz``, ``/metrics``: for programs on this machine, without names of people or documents."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response

from appliance.health.figures import METRICS_TYPE, exposition
from appliance.health.registry import CHECKS
from appliance.health.surveys import ServiceReadiness
from webui.console.parts import ConsoleParts


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("probes", __name__)
    serving = frozenset(check.name for check in CHECKS if check.serving) | {"watch"}

    @pages.get("/livez")
    def livez() -> Response:
        return jsonify({"alive": True})

    @pages.get("/readyz")
    def readyz() -> Response:
        found = ServiceReadiness(parts.observations.survey(parts.now()).observed, serving)
        return make_response(jsonify(found.report()), 200 if found.ready else 503)

    @pages.get("/metrics")
    def figures() -> Response:
        return Response(exposition(parts.observations.survey(parts.now())), content_type=METRICS_TYPE)

    return pages
