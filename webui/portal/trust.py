"""What anybody needs to verify: certificates and revocation lists, which may be cached for a while; and
``/log/…``, the log's public addresses (:class:`appliance.ledger.LogAnswers` decides what each answers)."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from appliance.ledger import LogAnswer, LogAnswers, Tiles
from hsm.errors import UnknownKey
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer

_AUTHORITY = re.compile(r"root|(issuing|events)(-[1-9][0-9]{0,3})?")
"""The names of CAs; an issuing CA that follows another has its number."""


FOR_ALL = {"Cross-Origin-Resource-Policy": "cross-origin"}
MACHINES = frozenset({"trust.answer"})
"""No form: any program may ask, and the answer changes nothing."""

pages = Blueprint("trust", __name__)


@pages.get("/certs/ca.pem")
def root() -> Answer:
    return _public(_pem(appliance.authority.chain()[-1:]), "application/x-pem-file")


@pages.get("/certs/chain.pem")
def chain() -> Answer:
    return _public(_pem(appliance.authority.authorities()), "application/x-pem-file")


@pages.get("/certs/<name>.cer")
def certificate(name: str) -> Answer:
    return _public(_of_authority(name, appliance.authority.certificate), "application/pkix-cert")


@pages.get("/crl/<name>.crl")
def revocations(name: str) -> Answer:
    return _public(_of_authority(name, appliance.authority.crl), "application/pkix-crl")


@pages.post("/ocsp")
def answer() -> Answer:
    return _ocsp(request.get_data(cache=False))


@pages.get("/ocsp/<path:encoded>")
def answer_encoded(encoded: str) -> Answer:
    """A request in base64 in the address (RFC 6960, A.1); an invalid one is empty."""
    try:
        asked = base64.b64decode(encoded, validate=True)
    except ValueError:
        asked = b""
    return _ocsp(asked)


def _of_authority(name: str, ask: Callable[[str], bytes]) -> bytes:
    """What the authority gives for one of its CAs; nothing for anybody else's name."""
    if _AUTHORITY.fullmatch(name) is None:
        raise NotFound
    try:
        return ask(name)
    except UnknownKey as error:
        raise NotFound from error


def _ocsp(asked: bytes) -> Response:
    reply = appliance.authority.ocsp_reply(asked)
    return Response(reply, content_type="application/ocsp-response", headers={"Cache-Control": "no-store"})


def _pem(certificates: list[bytes]) -> bytes:
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()


def _public(body: bytes, kind: str) -> Response:
    headers = {"Cache-Control": "public, max-age=300", **FOR_ALL}
    return Response(body, content_type=kind, headers=headers)


def _key(_log: LogAnswers) -> LogAnswer:
    vkey = appliance.settings.home.log_key.read_bytes()
    return LogAnswer("text/plain; charset=utf-8", vkey, lasting=False)


def _asked(*names: str) -> list[str | None]:
    return [request.args.get(name) for name in names]


LOG: dict[str, tuple[str, Callable[..., LogAnswer]]] = {
    "checkpoint": ("/checkpoint", LogAnswers.checkpoint),
    "checkpoint_timestamp": ("/checkpoint.tst", LogAnswers.checkpoint_timestamp),
    "key": ("/key", _key),
    "entry": ("/entry", lambda log: log.entry(*_asked("index"))),
    "inclusion": ("/proof/inclusion", lambda log: log.inclusion(*_asked("index", "size"))),
    "consistency": ("/proof/consistency", lambda log: log.consistency(*_asked("from", "to"))),
    "proof_file": ("/proof/file", lambda log: log.proof_file(*_asked("index"))),
    "tile": ("/tile/<path:path>", LogAnswers.tile),
}
"""Checkpoint, key, entries, proofs and tiles: endpoint → address, and what answers."""


def _logged(ask: Callable[..., LogAnswer]) -> Callable[..., Response]:
    def view(**address: str) -> Response:
        answer = ask(LogAnswers(appliance.proofs, Tiles(appliance.database)), **address)
        kept = {"Cache-Control": "public, max-age=31536000, immutable"} if answer.lasting else {}
        return Response(answer.body, content_type=answer.content_type, headers=kept | FOR_ALL)

    return view


log_pages = Blueprint("log", __name__, url_prefix="/log")
for name, (rule, ask) in LOG.items():
    log_pages.add_url_rule(rule, name, _logged(ask))
