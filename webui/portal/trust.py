"""What strangers need for checking: certificates and revocation lists. Everybody may keep them for a while."""

from __future__ import annotations

import ssl

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from webui.portal.parts import PortalParts

LISTS = ("root", "issuing")
"""The order in which the authority gives its CRLs."""


def blueprint(parts: PortalParts) -> Blueprint:
    """``/certs/ca.pem``, ``/certs/chain.pem``, ``/certs/NAME.cer`` and ``/crl/NAME.crl``."""
    pages = Blueprint("trust", __name__)

    @pages.get("/certs/ca.pem")
    def root() -> Response:
        return _public(_pem(parts.authority.chain()[-1:]), "application/x-pem-file")

    @pages.get("/certs/chain.pem")
    def chain() -> Response:
        return _public(_pem(parts.authority.chain()), "application/x-pem-file")

    @pages.get("/certs/<name>.cer")
    def certificate(name: str) -> Response:
        issuing, root = parts.authority.chain()
        found = {"issuing": issuing, "root": root}.get(name)
        if found is None:
            raise NotFound
        return _public(found, "application/pkix-cert")

    @pages.get("/crl/<name>.crl")
    def revocations(name: str) -> Response:
        if name not in LISTS:
            raise NotFound
        return _public(parts.authority.crls()[LISTS.index(name)], "application/pkix-crl")

    return pages


def _pem(certificates: list[bytes]) -> bytes:
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()


def _public(body: bytes, kind: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
