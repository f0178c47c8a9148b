"""The CSC API on a port of its own, with an access token for each scope that tests need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from appliance.demonstration.participants import ALPHA
from appliance.model.api_clients import ApiClient, ClientState, GrantedAccess, Scope
from appliance.wiring import Appliance
from tests.remote_signing.conftest import OFFICE
from webui.csc.endpoints import CscService, csc_pages

TOKEN, READER = "a-token-that-asks-for-signatures", "a-token-that-reads"
PORTAL = "http://localhost:8080"


def csc_app(appliance: Appliance) -> Flask:
    """The blueprint in an application of its own."""
    scopes = {TOKEN: Scope.SIGNATURES_REQUEST, READER: Scope.CONTRACTS_READ}

    def access_of(token: str) -> GrantedAccess | None:
        if token not in scopes:
            return None
        granted = frozenset({scopes[token]})
        client = ApiClient(
            OFFICE.id, OFFICE.name, granted, frozenset({ALPHA}), frozenset(), ClientState.ACTIVE, appliance.now()
        )
        return GrantedAccess(client, granted, appliance.now() + timedelta(minutes=10))

    app = Flask("csc")
    oauth = f"{PORTAL}/api/v1/token"
    service = CscService(appliance.remote_requests, access_of, ALPHA, PORTAL, oauth, appliance.now)
    app.register_blueprint(csc_pages(service))
    return app


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address at which *app* answers."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
