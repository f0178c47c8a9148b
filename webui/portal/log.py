"""``/log/…``: the log's public face; :class:`appliance.ledger.LogAnswers` decides what each address answers."""

from __future__ import annotations

from flask import Blueprint, Response, request

from appliance.ledger import LogAnswer
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """Checkpoint, key, entries, proofs and tiles."""
    pages = Blueprint("log", __name__, url_prefix="/log")
    log = parts.log

    @pages.get("/checkpoint")
    def checkpoint() -> Response:
        return _response(log.checkpoint())

    @pages.get("/checkpoint.tst")
    def checkpoint_timestamp() -> Response:
        return _response(log.checkpoint_timestamp())

    @pages.get("/key")
    def key() -> Response:
        vkey = (parts.settings.home.trust / "log.vkey").read_bytes()
        return _response(LogAnswer("text/plain; charset=utf-8", vkey, lasting=False))

    @pages.get("/entry")
    def entry() -> Response:
        return _response(log.entry(request.args.get("index")))

    @pages.get("/proof/inclusion")
    def inclusion() -> Response:
        return _response(log.inclusion(request.args.get("index"), request.args.get("size")))

    @pages.get("/proof/consistency")
    def consistency() -> Response:
        return _response(log.consistency(request.args.get("from"), request.args.get("to")))

    @pages.get("/proof/file")
    def proof_file() -> Response:
        return _response(log.proof_file(request.args.get("index")))

    @pages.get("/tile/<path:path>")
    def tile(path: str) -> Response:
        return _response(log.tile(path))

    return pages


def _response(answer: LogAnswer) -> Response:
    response = Response(answer.body, content_type=answer.content_type)
    if answer.lasting:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
