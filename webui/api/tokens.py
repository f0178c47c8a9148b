"""``POST /api/v1/token``: an access token for a client (RFC 6749, 4.4), which proves itself by its secret
(2.3.1), by an assertion signed with its own key (RFC 7523, 2.2), or by the certificate of its connection (RFC
8705, 2.2), for which alone its token counts then.

What an assertion has to be (RFC 7523, 3): (1) signed by one of the client's keys, with an algorithm that names no
shared secret; (2) issued by the client about itself; (3) for this address; (4) not expired, and not valid for more
than some minutes; (5) used once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
from flask import Response, g, jsonify, request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from appliance.model.api_clients import ApiClient, ClientState, Scope
from hsm.errors import RefusalError
from webui.api.operations import Answer, Call, Declared, operation
from webui.api.types import ApiSelf, ApiToken, ApiTokenRequest
from webui.shared import api_requests, programs
from webui.shared.language import translate
from webui.shared.served import appliance

PATH: Final = "/token"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ("ES256", "ES384", "PS256", "RS256", "Ed25519", "EdDSA")
LEEWAY: Final = timedelta(seconds=60)
LONGEST: Final = timedelta(hours=1)
"""For which an assertion may be valid; so long its id is remembered."""

ROOM: Final = 16 * 1024
"""Bytes of the form."""

_FARTHEST: Final = 2**32
"""Seconds of a NumericDate, beyond which no assertion is valid anyway."""

_STATUSES: Final = {"invalid_client": 401}


class TokenError(Exception):
    """Why there is no token: an ``error`` of RFC 6749, 5.2, and a sentence with its values."""

    def __init__(self, error: str, template: str, **values: object) -> None:
        super().__init__(error)
        self.error, self.template, self.values = error, template, values


def respond(refused: TokenError) -> Response:
    """The answer; what is no OAuth client reads the members of a problem in it."""
    status, sentence = _STATUSES.get(refused.error, 400), translate()(refused.template, **refused.values)
    g.problem = refused.error
    body = {"error": refused.error, "error_description": sentence}
    body |= {"code": refused.error, "detail": sentence, "instance": programs.request_id()}
    response = jsonify(body)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="vermilion", charset="UTF-8"'
    return response


@operation("POST", PATH, None, {200: ApiToken}, Declared(body=ApiTokenRequest, public=True))
def token(call: Call) -> Answer:
    """Get an access token.

    OAuth 2.0, client credentials (RFC 6749, 4.4). A client proves itself by its secret, in `Authorization:
    Basic` or in the form, by an assertion signed with its own key (RFC 7523), or by a TLS client certificate, at
    the port for certificates, with its `client_id` in the form (RFC 8705); such a token counts only over
    connections with that certificate.
    """
    form = _form()
    if form.grant_type != "client_credentials":
        raise TokenError("unsupported_grant_type", "The grant_type is client_credentials.")
    client, certificate = _proven(form)
    if client.state is not ClientState.ACTIVE:
        raise _unproven()
    g.api_client = client.id
    value, access = appliance.api_clients.grant(client, _scopes(client, form.scope), certificate=certificate)
    seconds = max(0, int((access.expires - appliance.now()).total_seconds()))
    return Answer(
        ApiToken(value, "Bearer", seconds, " ".join(sorted(access.scopes))), headers={"Pragma": "no-cache"}
    )


@operation("GET", "/client", None, {200: ApiSelf})
def client(call: Call) -> Answer:
    """Who am I: the client whose token this is."""
    access = call.client
    own = access.client
    found = ApiSelf(
        id=own.id,
        name=own.name,
        scopes=sorted(access.scopes),
        organisations=sorted(own.organisations),
        kinds=sorted(own.kinds),
        token_expires=access.expires,
        certificate=access.certificate,
    )
    return Answer(found)


def _form() -> ApiTokenRequest:
    request.max_content_length = ROOM
    if request.mimetype != "application/x-www-form-urlencoded":
        raise TokenError("invalid_request", "The content must be a form.")
    try:
        given: MultiDict[str, str] = request.form
    except RequestEntityTooLarge as large:
        raise TokenError("invalid_request", "A parameter is missing, or too long.") from large
    if any(len(values) > 1 for values in given.listvalues()):
        raise TokenError("invalid_request", "A parameter is given twice.")
    try:
        return msgspec.convert(given.to_dict(), ApiTokenRequest)
    except msgspec.ValidationError as wrong:
        raise TokenError("invalid_request", "A parameter is missing, or too long.") from wrong


def _unproven() -> TokenError:
    return TokenError("invalid_client", "The client is not known, is suspended, or has not proven itself.")


def _proven(form: ApiTokenRequest) -> tuple[ApiClient, str | None]:
    """The client that has proven itself, in one way alone (RFC 6749, 2.3), and the certificate where it did so by
    that. Others may have one for their connection, too; it says nothing about them."""
    ways: list[Callable[[], ApiClient]] = []
    _name_client(form.client_id)
    if "Authorization" in request.headers:
        ways.append(_by_basic)
    if form.client_secret:
        ways.append(lambda: appliance.api_clients.with_secret(form.client_id, form.client_secret))
    if form.client_assertion or form.client_assertion_type:
        ways.append(lambda: _by_assertion(form))
    if len(ways) > 1:
        raise TokenError("invalid_request", "A client proves itself in one way.")
    try:
        for way in ways:
            return way(), None
        certificate = api_requests.certificate()
        if certificate is not None and form.client_id:
            return appliance.api_clients.with_certificate(form.client_id, certificate), certificate
    except RefusalError as refusal:
        if refusal.code != "client-refused":
            raise
        raise _unproven() from refusal
    if certificate is None:
        raise TokenError(
            "invalid_client",
            "The request proves nothing: it has no secret, no assertion, and no certificate, which is taken at the"
            " port for certificates alone.",
        )
    raise _unproven()


def _by_basic() -> ApiClient:
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        raise _unproven()
    client_id = unquote_plus(given.username)
    _name_client(client_id)
    return appliance.api_clients.with_secret(client_id, unquote_plus(given.password))


def _name_client(client_id: str) -> None:
    """Notes whom a request names, where there is such a client, so that its refusals are counted as its own."""
    if appliance.api_clients.is_known(client_id):
        g.named_client = client_id


def _by_assertion(form: ApiTokenRequest) -> ApiClient:
    if form.client_assertion_type != ASSERTION:
        raise TokenError("invalid_request", "This type of client_assertion is not known.")
    client_id = _claimed_issuer(form.client_assertion)
    if not client_id or form.client_id not in ("", client_id):
        raise _unproven()
    _name_client(client_id)
    claims = _signed_claims(client_id, form.client_assertion)
    until, jti = _validity(client_id, claims)
    return appliance.api_clients.use_assertion(client_id, jti, until)


def _claimed_issuer(assertion: str) -> str:
    """Who says to have signed it; whether that is so, the signature shows."""
    try:
        claims = msgspec.json.decode(jws.extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) and len(issuer) <= 200 else ""


def _signed_claims(client_id: str, assertion: str) -> Mapping[str, Any]:
    """What is signed by one of the client's keys (1)."""
    try:
        keys = KeySet.import_key_set(dict(appliance.api_clients.public_keys(client_id)))  # type: ignore[arg-type]  # a dict, as JSON has it
        return jwt.decode(assertion, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError) as error:  # TypeError: a member of the header of another type
        raise _unproven() from error


def _validity(client_id: str, claims: Mapping[str, Any]) -> tuple[datetime, str]:
    """Until when the assertion is valid, and its id (2 to 4)."""
    now = appliance.now()
    audience, expires, jti = claims.get("aud"), claims.get("exp"), claims.get("jti")
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _unproven()
    if _address() not in (audience if isinstance(audience, list) else [audience]):
        raise _unproven()
    if not isinstance(jti, str) or not 1 <= len(jti) <= 200:
        raise _unproven()
    last = _instant(expires)
    if not now - LEEWAY < last <= now + LONGEST + LEEWAY:
        raise _unproven()
    for begins in (claims.get("nbf"), claims.get("iat")):
        if begins is not None and _instant(begins) > now + LEEWAY:
            raise _unproven()
    return last + LEEWAY, jti


def _instant(seconds: object) -> datetime:
    """A NumericDate (RFC 7519, 2)."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _FARTHEST:
        raise _unproven()
    return datetime.fromtimestamp(seconds, UTC)


def _address() -> str:
    """Of this operation, as clients know it."""
    return f"{appliance.settings.web.public_url.rstrip('/')}/api/v1{PATH}"


def _scopes(client: ApiClient, asked: str) -> frozenset[Scope]:
    """The scopes that are asked for, all that the client has where none is."""
    wanted = asked.split()
    unknown = sorted(each for each in wanted if each not in client.scopes)
    if unknown:
        raise TokenError("invalid_scope", "The client does not have the scope {scope}.", scope=unknown[0][:100])
    return frozenset(map(Scope, wanted)) or client.scopes
