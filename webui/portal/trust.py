"""What strangers need for checking: certificates and revocation lists, which everybody may keep for a while; and
``/log/…``, the log's public addresses (:class:`appliance.ledger.LogAnswers` decides what each answers).
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from appliance.ledger import LogAnswer
from hsm.errors import UnknownKey
from webui.portal.parts import PortalParts

_AUTHORITY = re.compile(r"root|issuing(-[1-9][0-9]{0,3})?")
"""The names of CAs; an issuing CA that follows another has its number."""


MACHINES = frozenset({"trust.answer"})
"""No form: any program may ask, and the answer changes nothing."""


def blueprint(parts: PortalParts) -> Blueprint:
    """``/certs/ca.pem``, ``/certs/chain.pem``, ``/certs/NAME.cer``, ``/crl/NAME.crl`` and ``/ocsp``."""
    pages = Blueprint("trust", __name__)

    @pages.get("/certs/ca.pem")
    def root() -> Response:
        return _public(_pem(parts.appliance.authority.chain()[-1:]), "application/x-pem-file")

    @pages.get("/certs/chain.pem")
    def chain() -> Response:
        return _public(_pem(parts.appliance.authority.authorities()), "application/x-pem-file")

    @pages.get("/certs/<name>.cer")
    def certificate(name: str) -> Response:
        return _public(_of_authority(name, parts.appliance.authority.certificate), "application/pkix-cert")

    @pages.get("/crl/<name>.crl")
    def revocations(name: str) -> Response:
        return _public(_of_authority(name, parts.appliance.authority.crl), "application/pkix-crl")

    @pages.post("/ocsp")
    def answer() -> Response:
        return _answer(parts.appliance.authority.ocsp_reply(request.get_data(cache=False)))

    @pages.get("/ocsp/<path:encoded>")
    def answer_encoded(encoded: str) -> Response:
        return _answer(parts.appliance.authority.ocsp_reply(_decoded(encoded)))

    return pages


def _of_authority(name: str, ask: Callable[[str], bytes]) -> bytes:
    """What the authority gives for one of its CAs; nothing for anybody else's name."""
    if _AUTHORITY.fullmatch(name) is None:
        raise NotFound
    try:
        return ask(name)
    except UnknownKey as error:
        raise NotFound from error


def _decoded(encoded: str) -> bytes:
    """A request in base64 in the address (RFC 6960, A.1); nothing for what is none."""
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""


def _answer(reply: bytes) -> Response:
    response = Response(reply, content_type="application/ocsp-response")
    response.headers["Cache-Control"] = "no-store"
    return response


def _pem(certificates: list[bytes]) -> bytes:
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()


def _public(body: bytes, kind: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def log_blueprint(parts: PortalParts) -> Blueprint:
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
        vkey = (parts.appliance.settings.home.trust / "log.vkey").read_bytes()
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
