"""What the program asks the identity provider (OpenID Connect Core 1.0, Discovery 1.0).

No address comes from who asks: the issuer is a setting, and all others are what the issuer's own document says,
each with TLS unless the issuer is on this machine. No answer is larger than :data:`LARGEST`, and all exchanges of
one request are over at its deadline. Tokens are not judged here but by the portal, and nothing writes one down.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from authlib.common.security import is_secure_transport
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url

from appliance.config import OpenIdSettings
from appliance.directory_service.messages import DirectoryFault, RequestFailed
from appliance.directory_service.request import Request
from appliance.egress import Egress, EgressFailed, ExchangeLimits, Reply

LARGEST: Final = 256 * 1024
"""Bytes of one answer."""

MOST_KEYS: Final = 50

INVALID_GRANT: Final = "invalid_grant"
"""Why a code is refused that was used before, is too old, or never was one (RFC 6749, 5.2)."""

_JSON = {"Accept": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded", **_JSON}
_OK = frozenset({200})
_SAID = frozenset({200, 400, 401})
"""Statuses of the token endpoint whose body says something (RFC 6749, 5.2)."""
_WORD = re.compile(r"[a-z_]{1,40}")
_CLAIMS = frozenset({"sub", "name", "preferred_username", "email", "email_verified", "department"})
"""Of the UserInfo endpoint (Core 1.0, 5.1), beside those that the settings name."""
_SIGNING = frozenset({"RSA", "EC", "OKP"})
_PUBLIC = frozenset({"kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"})


def describe(request: Request) -> dict[str, Any]:
    """The fields of ProviderDescription. Raises RequestFailed."""
    asking = _Asking(request)
    said = asking.metadata()
    found = _object(asking.get(said["jwks_uri"], _JSON)).get("keys")
    keys = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return {
        "issuer": said["issuer"],
        "authorization_endpoint": said["authorization_endpoint"],
        "end_session_endpoint": said.get("end_session_endpoint", ""),
        "names_issuer": said.get("authorization_response_iss_parameter_supported") is True,
        "keys": [_public(key) for key in keys if _may_sign(key)][:MOST_KEYS],
    }


def exchange(request: Request) -> dict[str, Any]:
    """The fields of TokenReply (OpenID Connect Core 1.0, 3.1.3 and 5.3). Raises RequestFailed, with the reason
    :data:`INVALID_GRANT` for a code that gives no tokens."""
    asking, given = _Asking(request), request.arguments
    said = asking.metadata()
    body = prepare_token_request(
        "authorization_code",
        redirect_uri=given["redirect_uri"],
        code=given["code"],
        code_verifier=given["verifier"],
    )
    client = _basic(request.settings.openid.client, request.secret("openid.secret"))
    reply = asking.post(said["token_endpoint"], body.encode(), {**_FORM, "Authorization": client})
    tokens = _object(reply)
    if reply.status != 200:
        raise RequestFailed(DirectoryFault.REFUSED, _word(tokens.get("error")))
    access_token = _token(tokens, "access_token")
    claims: dict[str, Any] = {}
    if "userinfo_endpoint" in said:
        headers = {**_JSON, "Authorization": f"Bearer {access_token}"}
        claims = _usable(_object(asking.get(said["userinfo_endpoint"], headers)), request.settings.openid)
    return {"id_token": _token(tokens, "id_token"), "access_token": access_token, "claims": claims}


class _Asking:
    """The exchanges for one request, which have its time together."""

    def __init__(self, request: Request) -> None:
        self._request = request
        tls = request.settings.openid.tls
        self._trust = str(request.settings.beside(tls)) if tls else None

    def metadata(self) -> dict[str, Any]:
        """The issuer's document, each address of which may be asked."""
        issuer = self._request.settings.openid.issuer
        if not issuer:
            raise RequestFailed(DirectoryFault.UNSET, "openid.issuer is empty")
        said = _object(self.get(get_well_known_url(issuer, external=True), _JSON))
        if said.get("issuer") != issuer:  # exactly: Discovery 1.0, 4.3
            raise RequestFailed(DirectoryFault.UNBELIEVABLE, "it names another issuer than openid.issuer")
        try:
            OpenIDProviderMetadata(said).validate()
        except (ValueError, TypeError, AttributeError) as error:
            raise RequestFailed(DirectoryFault.UNBELIEVABLE, f"its description is not right: {error}") from error
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_address(said.get(name), name, issuer)
        for name in ("userinfo_endpoint", "end_session_endpoint"):
            if name in said:
                _require_address(said[name], name, issuer)
        return said

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        return self._answer(lambda egress: egress.get(url, headers), _OK)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        return self._answer(lambda egress: egress.post(url, body, headers), _SAID)

    def _answer(self, ask: Callable[[Egress], Reply], accepted: frozenset[int]) -> Reply:
        try:
            return ask(Egress(ExchangeLimits(self._request.seconds, LARGEST, accepted), trust=self._trust))
        except EgressFailed as failure:
            raise RequestFailed(_fault(failure), str(failure)) from failure


_FAULTS = {
    "late": DirectoryFault.LATE,
    "too-large": DirectoryFault.UNBELIEVABLE,
    "refused": DirectoryFault.REFUSED,
}


def _fault(failure: EgressFailed) -> DirectoryFault:
    if isinstance(failure.__cause__ or failure.values.get("why"), ssl.SSLError):
        return DirectoryFault.TLS
    return _FAULTS.get(failure.cause, DirectoryFault.UNREACHABLE)


def _require_address(url: object, name: str, issuer: str) -> None:
    """Raises RequestFailed for what is no address, or one without TLS. On this machine there may be none, but then
    the issuer is here, too: nobody else has us ask programs of our own."""
    try:
        fits = isinstance(url, str) and is_secure_transport(url) and not urlsplit(url).username
        fits = fits and (urlsplit(str(url)).scheme == "https" or urlsplit(issuer).scheme == "http")
    except ValueError:
        fits = False
    if not fits:
        raise RequestFailed(DirectoryFault.UNBELIEVABLE, f"its {name} is not an address with TLS")


def _object(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RequestFailed(DirectoryFault.UNBELIEVABLE, "it answered with something else than a JSON object")
    return found


def _may_sign(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in _SIGNING and key.get("use", "sig") == "sig"


def _public(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name in _PUBLIC}


def _usable(claims: Mapping[str, Any], settings: OpenIdSettings) -> dict[str, Any]:
    """Those of *claims* that a sign-in looks at, and that are of a form that it can: people write some of them
    themselves, and nobody's own profile is to look like a provider that is not in order."""
    wanted = _CLAIMS | {settings.match, settings.groups_claim}
    found = {name: _plain(value) for name, value in claims.items() if name in wanted}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: object) -> str | bool | list[str] | None:
    """A text, yes or no, or the texts of a list; None for anything else."""
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) and each.isprintable()]
    fits = isinstance(value, bool) or (isinstance(value, str) and value.isprintable())
    return value if isinstance(value, bool | str) and fits else None


def _token(tokens: Mapping[str, Any], name: str) -> str:
    found = tokens.get(name)
    if not isinstance(found, str) or not found.isascii() or not found.isprintable():
        raise RequestFailed(DirectoryFault.UNBELIEVABLE, f"its answer has no {name}")
    return found


def _word(error: object) -> str:
    """The error code of a refusal (RFC 6749, 5.2)."""
    return error if isinstance(error, str) and _WORD.fullmatch(error) else "unknown"


def _basic(client: str, secret: str) -> str:
    """``client_secret_basic``, both halves form-encoded first (RFC 6749, 2.3.1), which Authlib leaves out."""
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
