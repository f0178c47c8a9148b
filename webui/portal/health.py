"""``/livez``: the process answers. ``/readyz``: what it needs answers too; else 503 with the reasons."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response

from appliance.operations import health
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """The two addresses."""
    pages = Blueprint("health", __name__)

    @pages.get("/livez")
    def livez() -> Response:
        return jsonify({"alive": True})

    @pages.get("/readyz")
    def readyz() -> Response:
        findings = [
            *health.authority(parts.authority, now=parts.now()),
            health.log(parts.proofs),
            health.disk(parts.settings.home.root),
        ]
        ready = all(finding.well for finding in findings)
        body = {
            "ready": ready,
            "reasons": [str(finding) for finding in findings if not finding.well],
            "checks": {found.name: {"ready": found.well, "detail": str(found)} for found in findings},
        }
        return make_response(jsonify(body), 200 if ready else 503)

    return pages
