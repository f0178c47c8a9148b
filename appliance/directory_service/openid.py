"""The identity provider, asked over the network (OpenID Connect): what it says of itself, and a code for tokens.

No address comes from who asks: the issuer is a setting, and all others are what the issuer's own document says,
each over TLS unless the issuer is on this machine. No answer is larger than :data:`LARGEST`, and one request of the
portal's, whatever it takes, is over after ``openid.seconds``. Tokens are not judged here but by the portal
(:mod:`appliance.directories.single_sign_on`), which has no network; nothing here writes one down.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from authlib.common.security import is_secure_transport
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url

from appliance.config import OpenIdSettings
from appliance.egress import Egress, EgressFailed, ExchangeLimits, Reply
from appliance.errors import ApplianceError

LARGEST: Final = 256 * 1024
"""Bytes of one answer."""

_JSON = {"Accept": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded", **_JSON}
_ANSWERS = frozenset({200, 400, 401})
"""Statuses of the token endpoint whose body says something (RFC 6749, 5.2)."""
_WORD = re.compile(r"[a-z_]{1,40}")


class ProviderFailed(ApplianceError, code="provider-failed"):
    """The identity provider did not answer, or not as it has to; nobody signs in through it now."""


class CodeRefused(ApplianceError, code="code-refused"):
    """The identity provider gives no tokens for this code: it was used before, is too old, or never was one."""


@dataclass(frozen=True, slots=True)
class ProviderDescription:
    """What an identity provider says of itself (OpenID Connect Discovery 1.0, 3), with its keys.

    ``end_session_endpoint`` and ``userinfo_endpoint`` are empty where it has none; ``names_issuer``: each answer
    of its authorization endpoint has ``iss`` (RFC 9207); ``key_set`` is its JWK set (RFC 7517, 5) as JSON.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str
    names_issuer: bool
    key_set: str


@dataclass(frozen=True, slots=True)
class TokenReply:
    """What a code was exchanged for; nothing of it is verified. ``claims`` is what the UserInfo endpoint says, as
    JSON, ``{}`` where there is no such endpoint."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    claims: str = field(repr=False)


def describe_provider(settings: OpenIdSettings, trust: str | None) -> ProviderDescription:
    """What the issuer says of itself now; *trust* is a PEM file of authorities for its server, None for the
    system's. Raises :class:`ProviderFailed`."""
    asking = _Asking(settings, trust)
    said = asking.metadata()
    keys = _object(asking.get(said["jwks_uri"], _JSON))
    return ProviderDescription(
        issuer=said["issuer"],
        authorization_endpoint=said["authorization_endpoint"],
        token_endpoint=said["token_endpoint"],
        userinfo_endpoint=said.get("userinfo_endpoint", ""),
        end_session_endpoint=said.get("end_session_endpoint", ""),
        names_issuer=said.get("authorization_response_iss_parameter_supported") is True,
        key_set=json.dumps(keys),
    )


def exchange_code(
    settings: OpenIdSettings, trust: str | None, secret: str, *, code: str, verifier: str, redirect_uri: str
) -> TokenReply:
    """The tokens for *code* (OpenID Connect Core 1.0, 3.1.3) with the *verifier* of PKCE (RFC 7636), asked for as
    the client with this *secret*; and what the UserInfo endpoint says of whom they are about (5.3).

    Raises :class:`ProviderFailed`, :class:`CodeRefused`.
    """
    asking = _Asking(settings, trust)
    said = asking.metadata()
    body = prepare_token_request(
        "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
    )
    client = _basic(settings.client, secret)
    reply = asking.post(said["token_endpoint"], body.encode(), {**_FORM, "Authorization": client})
    tokens = _object(reply)
    if reply.status != 200:
        raise _refused(tokens.get("error"))
    id_token, access_token = _text(tokens, "id_token"), _text(tokens, "access_token")
    claims = "{}"
    if "userinfo_endpoint" in said:
        headers = {**_JSON, "Authorization": f"Bearer {access_token}"}
        claims = json.dumps(_object(asking.get(said["userinfo_endpoint"], headers)))
    return TokenReply(id_token, access_token, claims)


class _Asking:
    """The exchanges for one request, which have ``openid.seconds`` together."""

    def __init__(self, settings: OpenIdSettings, trust: str | None) -> None:
        self._settings, self._trust = settings, trust
        self._until = time.monotonic() + settings.seconds

    def metadata(self) -> dict[str, Any]:
        """The issuer's document; each address in it may be asked. Raises :class:`ProviderFailed`."""
        issuer = self._settings.issuer
        said = _object(self.get(get_well_known_url(issuer, external=True), _JSON))
        if said.get("issuer") != issuer:  # exactly: Discovery 1.0, 4.3
            raise ProviderFailed("The identity provider calls itself otherwise than the setting openid.issuer.")
        try:
            OpenIDProviderMetadata(said).validate()
        except (ValueError, TypeError, AttributeError) as error:
            raise ProviderFailed(
                "The identity provider's description of itself is not right: {why}.", why=error
            ) from error
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_address(said.get(name), name, issuer)
        for name in ("userinfo_endpoint", "end_session_endpoint"):
            if name in said:
                _require_address(said[name], name, issuer)
        return said

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        return self._answer(lambda egress: egress.get(url, headers), frozenset({200}))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        return self._answer(lambda egress: egress.post(url, body, headers), _ANSWERS)

    def _answer(self, ask: Any, accepted: frozenset[int]) -> Reply:
        left = max(0.001, self._until - time.monotonic())
        try:
            reply: Reply = ask(Egress(ExchangeLimits(left, LARGEST, accepted), trust=self._trust))
        except EgressFailed as failure:
            raise ProviderFailed("The identity provider cannot be asked: {why}", why=failure) from failure
        return reply


def _require_address(url: object, name: str, issuer: str) -> None:
    """Raises :class:`ProviderFailed` for what is no address, or one without TLS. On this machine there may be none,
    but then the issuer is here, too: nobody else has us ask programs of our own."""
    try:
        fits = isinstance(url, str) and is_secure_transport(url) and not urlsplit(url).username
        fits = fits and (urlsplit(str(url)).scheme == "https" or urlsplit(issuer).scheme == "http")
    except ValueError:
        fits = False
    if not fits:
        raise ProviderFailed("The identity provider's {name} is not an address with TLS.", name=name)


def _object(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise _no_object() from error
    if not isinstance(found, dict):
        raise _no_object()
    return found


def _no_object() -> ProviderFailed:
    return ProviderFailed("The identity provider answered with something else than a JSON object.")


def _text(tokens: Mapping[str, Any], name: str) -> str:
    found = tokens.get(name)
    if not isinstance(found, str) or not found.isascii() or not found.isprintable():
        raise ProviderFailed("The identity provider's answer has no {name}.", name=name)
    return found


def _refused(error: object) -> ApplianceError:
    """What a refusal of the token endpoint means (RFC 6749, 5.2): the code is wrong, or the client is."""
    if error == "invalid_grant":
        return CodeRefused("The identity provider does not know this sign-in, or not any more; sign in again.")
    word = error if isinstance(error, str) and _WORD.fullmatch(error) else "unknown"
    return ProviderFailed("The identity provider refuses this client: {word}.", word=word)


def _basic(client: str, secret: str) -> str:
    """``client_secret_basic``, whose two halves are form-encoded first (RFC 6749, 2.3.1); Authlib leaves that out."""
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
