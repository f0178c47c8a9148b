"""What strangers need for checking: certificates and revocation lists. Everybody may keep them for a while."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

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
        return _public(_pem(parts.authority.chain()[-1:]), "application/x-pem-file")

    @pages.get("/certs/chain.pem")
    def chain() -> Response:
        return _public(_pem(parts.authority.authorities()), "application/x-pem-file")

    @pages.get("/certs/<name>.cer")
    def certificate(name: str) -> Response:
        return _public(_of_authority(name, parts.authority.certificate), "application/pkix-cert")

    @pages.get("/crl/<name>.crl")
    def revocations(name: str) -> Response:
        return _public(_of_authority(name, parts.authority.crl), "application/pkix-crl")

    @pages.post("/ocsp")
    def answer() -> Response:
        return _answer(parts.authority.ocsp_reply(request.get_data(cache=False)))

    @pages.get("/ocsp/<path:encoded>")
    def answer_encoded(encoded: str) -> Response:
        return _answer(parts.authority.ocsp_reply(_decoded(encoded)))

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
