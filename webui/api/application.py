"""The API as part of the portal's application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Flask, Response, g

from appliance.api_clients import ApiUsage
from webui.api import (
    batches,
    capture_schedules,
    captures,
    contracts,
    deposit_batches,
    deposits,
    events,
    initiators,
    log,
    pages,
    parties,
    powers,
    problems,
    seals,
    templates,
    timestamps,
    tokens,
    verifications,
    webhooks,
)
from webui.api.openapi import PREFIX
from webui.api.operations import OPERATIONS
from webui.api.problems import ProblemError
from webui.api.running import view_of
from webui.api.tokens import TokenError
from webui.shared import api_requests
from webui.shared.rate_limits import Allowance, RateLimits

RESOURCES: Final = (
    *(tokens, contracts, parties, initiators, templates, batches, events, webhooks),
    *(verifications, timestamps, deposits, deposit_batches, captures, capture_schedules, log, seals, powers),
)
"""The modules that declare the operations."""


def install(app: Flask, limits: RateLimits, usage: ApiUsage) -> None:
    """Adds every declared operation to *app*, the document and the page. *limits* says how often a client may ask,
    *usage* counts what it asks."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for each in OPERATIONS:
        rule = each.path.replace("{", "<").replace("}", ">")
        _add(blueprint, rule, each.name, view_of(each, limits), each.method)
    _add(blueprint, "/openapi.json", "openapi", pages.openapi, "GET")
    _add(blueprint, "/docs", "docs", pages.docs, "GET")
    app.register_blueprint(blueprint)
    api_requests.install(app, usage)
    app.register_error_handler(ProblemError, problems.respond)
    app.register_error_handler(TokenError, tokens.respond)

    @app.after_request
    def tell_limits(response: Response) -> Response:
        allowance: Allowance | None = g.get("allowance")
        if allowance is not None:
            response.headers.update(allowance.headers())
        return response


def _add(blueprint: Blueprint, rule: str, name: str, view: Callable[..., Response], method: str) -> None:
    blueprint.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)
