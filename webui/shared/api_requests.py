"""What the portal alone knows of requests of programs: by which certificate one came, and how often each client
asks. The other services have no clients, and do not load it."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from flask import Flask, Response, g, request

from appliance.api_clients import ApiRequest, ApiUsage, thumbprint_at
from webui.shared.headers import CERTIFICATE
from webui.shared.programs import is_program, request_id
from webui.shared.served import appliance

log = logging.getLogger("vermilion.api")


def install(app: Flask, usage: ApiUsage) -> None:
    """Marks each request of a program to *app* with an id, writes a line about it into the log, and counts it in
    *usage*."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def mark(response: Response) -> Response:
        if is_program():
            response.headers["X-Request-Id"] = request_id()
            client = g.get("api_client", "-")
            path = quote(request.path)  # a line end in it would begin a line of its own
            log.info("%s %s %s %d client=%s", request_id(), request.method, path, response.status_code, client)
            usage.count(_answered(response.status_code))
        return response


def _answered(status: int) -> ApiRequest:
    client = g.get("api_client") or g.get("named_client")
    operation = (request.endpoint or "none").removeprefix("api.").replace(".", "_").lower()
    now = time.perf_counter()
    return ApiRequest(client, operation, status, g.get("problem", ""), now - g.get("begun", now))


def certificate() -> str | None:
    """The SHA-256 (hex) of the certificate by which this connection was made; None without one that is valid
    now."""
    pem = request.environ.get(CERTIFICATE)
    return None if pem is None else thumbprint_at(pem, appliance.now())
