"""``/csc/v1`` and ``/csc/v2``: the API of the Cloud Signature Consortium, 1.0.4.0 and 2.x, as a blueprint.

The order of calls is ``credentials/list``, ``credentials/info``, ``credentials/authorize`` with every hash,
``credentials/authorizeCheck`` until the person has confirmed, then ``signatures/signHash`` or
``signatures/signDoc`` with the same hashes, or the same document. ``authorize`` answers with a handle (202): there
is no SAD before the person's own activation, and it is for these hashes (SCAL2). Nothing here signs.

Sections are those of the specification 2.0.0.2.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, g, jsonify, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge

from appliance.acting_client import acting_for
from appliance.model.api_clients import GrantedAccess, Scope
from appliance.model.remote_signing import AskingClient, PdfLevel, PdfOrder, RemoteRequest, RemoteRequestState
from appliance.remote_signing.credentials import ECDSA, RSA, RemoteCredential
from appliance.remote_signing.requests import RemoteRequests
from hsm.errors import RefusalError
from hsm.remote import RemoteUse
from webui.csc.parameters import (
    CERTIFIES,
    CscError,
    ask_in,
    credential_in,
    digests_to_sign,
    document_in,
    hashes_to_sign,
    require_algorithms,
    require_synchronous,
    text_in,
)
from webui.shared.errors import status_of
from webui.shared.programs import csc_answer
from webui.shared.rate_limits import RateLimits
from webui.shared.room import Checks

LARGEST_REQUEST: Final = 32 * 1024 * 1024
"""Bytes: a document of 20 MiB in base64, and what is around it."""

MOST_VALUES: Final = 10_000
"""Values of a request, about: by tiny ones a content of this size would take twenty times as much memory."""

_SPECS = {1: "1.0.4.0", 2: "2.0.0.2"}
_NO_TOKEN = "An access token with the scope signatures:request is needed"  # noqa: S105  # a sentence

AccessOf = Callable[[str], GrantedAccess | None]
"""What an access token proves; None for one that is not known or no longer counts."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CscService:
    """What the endpoints are made of. ``name`` is the enterprise's; ``portal`` and ``oauth`` are addresses: of the
    portal, where people find requests, and of the token endpoint. *now* is the clock of expiries, ``limits`` how
    often a client may ask, ``room`` for how many PDFs there is at once."""

    requests: RemoteRequests
    access_of: AccessOf
    name: str
    portal: str
    oauth: str
    now: Callable[[], datetime]
    limits: RateLimits
    room: Checks


def csc_pages(service: CscService) -> Blueprint:
    """The blueprint. Its callers are programs: it has no forms and reads no cookie."""
    pages, endpoints = Blueprint("csc", __name__, url_prefix="/csc"), _Endpoints(service)
    for version in _SPECS:
        pages.add_url_rule(
            f"/v{version}/info",
            f"info_v{version}",
            lambda version=version: endpoints.info(version),
            methods=["GET", "POST"],
        )
        for path in _methods(version):
            handler = METHODS[path]
            pages.add_url_rule(
                f"/v{version}/{path}",
                f"{path.replace('/', '_')}_v{version}",
                lambda handler=handler, version=version: endpoints.answer(partial(handler, endpoints), version),
                methods=["POST"],
            )
    return pages


class _Endpoints:
    """The views."""

    def __init__(self, service: CscService) -> None:
        self._service = service
        self._requests = service.requests

    def info(self, version: int) -> Response:
        """What there is (11.1). Every hash is authorised by itself, and every signature answered at once."""
        described: dict[str, Any] = {
            "specs": _SPECS[version],
            "name": self._service.name[:_LONGEST_NAME],
            "logo": f"{self._service.portal}/static/mark.png",
            "region": "CN",
            "lang": "zh-CN",
            "description": "Remote signing; every hash is confirmed by its person",
            "authType": ["oauth2client"],
            "oauth2": self._service.oauth,
            "methods": ["info", *_methods(version)],
        }
        return jsonify(described if version == 1 else {**described, **_OFFERED})

    def answer(self, handler: Callable[[AskingClient, Body], Response], version: int) -> Response:
        """What *handler* answers to the client, or the refusal in the terms of the API."""
        g.csc_version = version
        try:
            access = self._access()
            self._count(access.client.id)
            client = AskingClient(access.client.id, access.client.name, access.client.organisations)
            with acting_for(access.client.reach):
                return handler(client, _body())
        except CscError as error:
            return _refused(error.code, error.sentence, error.status)
        except RefusalError as refusal:
            status = status_of(refusal)
            if status >= 500:
                return _refused("server_error", str(refusal), status)
            return _refused("access_denied" if status == 403 else "invalid_request", str(refusal), 400)

    def list_credentials(self, client: AskingClient, body: Body) -> Response:
        """By ``userID``, which a client that has no user signed in must name (11.4)."""
        found = self._credentials(client, text_in(body, "userID"))
        answer: dict[str, Any] = {"credentialIDs": [each.name for each in found]}
        if body.get("credentialInfo") is True:
            now = self._service.now()
            answer["credentialInfos"] = [
                {"credentialID": each.name, **_described(each, body, now)} for each in found
            ]
        return jsonify(answer)

    def credential_info(self, client: AskingClient, body: Body) -> Response:
        return jsonify(_described(self._credential(client, body), body, self._service.now()))

    def authorize(self, client: AskingClient, body: Body) -> Response:
        """202 with a handle; the SAD comes once the person has confirmed (11.6)."""
        self._credential(client, body, RemoteUse.DOCUMENT if body.get("documents") is not None else None)
        asked = ask_in(body)
        with self._room(asked.pdf):
            made = self._requests.ask(client, asked)
        return _waiting(made.request, made.secret, self._service)

    def authorize_check(self, client: AskingClient, body: Body) -> Response:
        """The SAD for a handle, or 202 while its person has not decided (11.7)."""
        handle = text_in(body, "handle")
        asked = self._requests.of_client(client, handle)
        if asked.state in _OVER or not (asked.state is RemoteRequestState.SIGNED or self._waits(asked)):
            raise CscError("access_denied", _OVER.get(asked.state, "The request has expired"))
        if asked.state is RemoteRequestState.OPEN and not self._requests.is_activated(asked):
            return _waiting(asked, handle, self._service)
        return jsonify(SAD=handle, expiresIn=_seconds_left(asked, self._service))

    def sign_hash(self, client: AskingClient, body: Body) -> Response:
        """The values of signatures over hashes that the client has made."""
        require_synchronous(body)
        credential = self._credential(client, body, RemoteUse.HASH)
        require_algorithms(body, credential.algorithms)
        signatures = self._requests.fetch(client, text_in(body, "SAD"), RemoteUse.HASH, hashes_to_sign(body))
        return jsonify(signatures=[base64.b64encode(each).decode() for each in signatures])

    def sign_doc(self, client: AskingClient, body: Body) -> Response:
        """A signed PDF, or detached CMS over the digests of documents (11.11)."""
        require_synchronous(body)
        credential = self._credential(client, body, RemoteUse.DOCUMENT)
        require_algorithms(body, credential.algorithms)
        sad, given = text_in(body, "SAD"), document_in(body, credential.algorithms)
        digests = [given.digest] if given else digests_to_sign(body, credential.algorithms)
        pdf = given.pdf if given else None
        with self._room(pdf):
            made = self._requests.fetch(client, sad, RemoteUse.DOCUMENT, digests, pdf=pdf)
        signed = [base64.b64encode(each).decode() for each in made]
        return jsonify({"DocumentWithSignature" if pdf else "SignatureObject": signed})

    def _credential(self, client: AskingClient, body: Body, use: RemoteUse | None = None) -> RemoteCredential:
        """The credential that *body* names, which is for this *use*. Raises :class:`CscError`."""
        named = credential_in(body)
        found = [each for each in self._credentials(client, named.person) if each.use is named.use]
        if not found:
            raise CscError("invalid_request", "Invalid parameter credentialID")
        if use not in (None, named.use):
            raise CscError("invalid_request", f"This credential is for {_SIGNS_BY[named.use]}")
        return found[0]

    def _credentials(self, client: AskingClient, person: str) -> list[RemoteCredential]:
        """The keys of *person* with which the version that is spoken can sign."""
        found = self._requests.credentials(client, person)
        return [each for each in found if _SIGNS_BY[each.use] in _methods(g.csc_version)]

    def _room(self, pdf: PdfOrder | None) -> AbstractContextManager[None]:
        """While a PDF is prepared or completed: each takes several processes, one after the other, of seconds."""
        return nullcontext() if pdf is None else self._service.room.of(b"")

    def _access(self) -> GrantedAccess:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        access = self._service.access_of(token.strip()) if kind.lower() == "bearer" and token else None
        if access is None:
            raise CscError("invalid_token", _NO_TOKEN, 401)
        if Scope.SIGNATURES_REQUEST not in access.scopes:
            raise CscError("insufficient_scope", _NO_TOKEN, 403)
        return access

    def _count(self, client_id: str) -> None:
        g.api_client, g.allowance = client_id, self._service.limits.count(f"client {client_id}")
        if g.allowance.spent:
            raise CscError("temporarily_unavailable", "Too many requests in a minute; wait a little.", 429)

    def _waits(self, asked: RemoteRequest) -> bool:
        return asked.expires > self._service.now()


METHODS: Final[Mapping[str, Callable[[_Endpoints, AskingClient, Body], Response]]] = {
    "credentials/list": _Endpoints.list_credentials,
    "credentials/info": _Endpoints.credential_info,
    "credentials/authorize": _Endpoints.authorize,
    "credentials/authorizeCheck": _Endpoints.authorize_check,
    "signatures/signHash": _Endpoints.sign_hash,
    "signatures/signDoc": _Endpoints.sign_doc,
}
"""What is implemented."""

_SIGNS_BY: Final = {RemoteUse.DOCUMENT: "signatures/signDoc", RemoteUse.HASH: "signatures/signHash"}


def _methods(version: int) -> list[str]:
    """What is answered in a *version*. 1.0.4 has no ``signDoc``; nor has it ``authorizeCheck``, without which
    nobody gets a SAD."""
    return [each for each in METHODS if version > 1 or each != _SIGNS_BY[RemoteUse.DOCUMENT]]


_OFFERED: Final = {
    "asynchronousOperationMode": False,
    "validationInfo": False,
    "signAlgorithms": {"algos": [*ECDSA, *RSA]},
    "signature_formats": {"formats": ["P", "C"], "envelope_properties": [[*CERTIFIES], ["Detached"]]},
    "conformance_levels": [f"Ades-{each.value}" for each in PdfLevel],
}
"""What ``info`` says besides in 2.x."""

_LONGEST_NAME: Final = 255

_OVER: Final = {
    RemoteRequestState.REFUSED: "The person has refused the request",
    RemoteRequestState.EXPIRED: "The request has expired",
    RemoteRequestState.FAILED: "Signing failed; ask again",
}


def _body() -> Body:
    request.max_content_length = LARGEST_REQUEST  # of a body in pieces, too, which tells no length
    try:
        content = request.get_data(cache=False)
        if content.count(b",") > MOST_VALUES:
            raise CscError("invalid_request", "The request has too many values", 413)
        value: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except RequestEntityTooLarge as error:
        raise CscError("invalid_request", "The request is too large", 413) from error
    except (msgspec.DecodeError, RecursionError) as error:  # half a character, or so deep that no reader follows
        raise CscError("invalid_request", "The request is no JSON object") from error
    return value


def _waiting(asked: RemoteRequest, handle: str, service: CscService) -> Response:
    """The handle; ``confirmation`` is ours: where the person finds the request."""
    answer = jsonify(handle=handle, confirmation=f"{service.portal}/remote/{asked.id}")
    return make_response(answer, 202)


def _seconds_left(asked: RemoteRequest, service: CscService) -> int:
    return max(0, int((asked.expires - service.now()).total_seconds()))


def _described(credential: RemoteCredential, body: Body, now: datetime) -> dict[str, Any]:
    """``credentials/info`` (11.5): the key, its certificates as far as they are asked for, and that its person
    authorises every hash on a page of this service: in 1.0.4 ``implicit``, in 2.x ``explicit`` with no object that
    a client could ask for."""
    wanted = text_in(body, "certificates", "single")
    kinds = {"none": credential.chain[:0], "single": credential.chain[:1], "chain": credential.chain}
    if wanted not in kinds:
        raise CscError("invalid_request", "Invalid parameter certificates")
    sent = kinds[wanted]
    key: dict[str, Any] = {"status": "enabled", "algo": list(credential.algorithms), "len": credential.bits}
    if credential.curve:
        key["curve"] = credential.curve
    status = "revoked" if credential.revoked else "valid" if credential.counts(now) else "expired"
    cert: dict[str, Any] = {"status": status}
    cert["certificates"] = [base64.b64encode(each).decode() for each in sent]
    if body.get("certInfo") is True:
        cert |= {
            "issuerDN": credential.issuer,
            "serialNumber": credential.serial,
            "subjectDN": credential.subject,
            "validFrom": f"{credential.valid_from:%Y%m%d%H%M%SZ}",
            "validTo": f"{credential.valid_to:%Y%m%d%H%M%SZ}",
        }
    mode = {"authMode": "implicit"} if g.csc_version == 1 else {"auth": {"mode": "explicit", "objects": []}}
    return {
        "description": _USES[credential.use],
        "key": key,
        "cert": cert,
        **mode,
        "SCAL": "2",
        "multisign": credential.most,
        "lang": "zh-CN",
    }


_USES = {
    RemoteUse.DOCUMENT: "For documents, by their digests (signDoc)",
    RemoteUse.HASH: "For hashes whose documents the service has not seen (signHash)",
}


def _refused(code: str, sentence: str, status: int) -> Response:
    answer = csc_answer(status, code, sentence)
    if status == 401:
        answer.headers["WWW-Authenticate"] = f'Bearer error="{code}"'
    if status == 429:
        answer.headers["Retry-After"] = str(g.allowance.seconds)
    return answer
