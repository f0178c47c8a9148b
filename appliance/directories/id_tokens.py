"""What an identity provider signs: ID tokens (OpenID Connect Core 1.0, 3.1.3.7) and logout tokens (Back-Channel
Logout 1.0, 2.6). No I/O.

The key comes from the provider's JWK set alone, and the algorithm from :data:`ALGORITHMS`: a token never says by
what it is to be believed. What is wrong is named by one word or claim, never by what the token holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.jwk import import_key as import_jwk
from joserfc.jws import JWSRegistry

from appliance.model.directories import ProviderIdentity

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""Signatures by keys that only the provider has; so not ``none``, and no HMAC."""

LONGEST: Final = 64 * 1024
"""Characters of a token that is looked at."""

LONGEST_NAME: Final = 255
"""Characters of ``sub`` (Core 1.0, 2), and of ``sid`` and ``jti`` here."""

LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""

RECENT: Final = timedelta(minutes=5)
"""How old a token may be that has only just been made."""

SMALLEST_RSA: Final = 2048
"""Bits (RFC 7518, 3.3)."""

LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class TokenUnbelievable(Exception):
    """The token is not one to go by; the message says why, and has nothing of the token's."""


class UnknownKey(TokenUnbelievable):
    """The token is signed by a key that the provider has not shown, or has shown since we asked."""


@dataclass(frozen=True, slots=True)
class ExpectedIdToken:
    """What a sign-in expects: of *issuer*, for *client*, with *nonce*; one of *acr*, where there are some."""

    issuer: str
    client: str
    nonce: str
    acr: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Whose sessions are to end: those of ``sub``, those called ``sid``, or where both are there, those that are
    both. ``jti`` names the token, of which each is good once."""

    issuer: str
    sub: str
    sid: str
    jti: str


def key_set(keys: Iterable[Mapping[str, Any]]) -> KeySet:
    """Those of *keys* (JWK, RFC 7517) that can verify a signature; others are passed over (RFC 7517, 5)."""
    found = []
    for plain in keys:
        try:
            key = import_jwk(dict(plain))
        except (JoseError, ValueError, TypeError, KeyError):  # KeyError: a curve that joserfc does not know
            continue
        small = isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA
        if key.key_type != "oct" and not small:
            found.append(key)
    return KeySet(found)


def identity_claims(
    token: str, access_token: str, keys: KeySet, expected: ExpectedIdToken, *, now: datetime
) -> dict[str, Any]:
    """The claims of an ID *token* that came with *access_token*. Raises :class:`TokenUnbelievable`."""
    header, claims = _verified(token, keys)
    judged = CodeIDToken(
        claims,
        header,
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client},
            "sub": {"essential": True},
            "nonce": {"essential": True, "value": expected.nonce},
        },
        {"client_id": expected.client, "nonce": expected.nonce, "access_token": access_token},
    )
    stamp = int(now.timestamp())
    try:
        judged.validate(now=stamp, leeway=LEEWAY)
    except (ClaimError, TypeError, ValueError) as error:
        raise TokenUnbelievable(_claim(error)) from error
    _require_several_audiences(claims)
    if claims["iat"] > stamp + LEEWAY or claims["iat"] < stamp - RECENT.total_seconds():
        raise TokenUnbelievable("iat")
    _name(claims, "sub")
    if expected.acr and claims.get("acr") not in expected.acr:
        raise TokenUnbelievable("acr")
    return claims


def logout_request(token: str, keys: KeySet, *, issuer: str, client: str, now: datetime) -> LogoutRequest:
    """What a logout *token* asks for. Raises :class:`TokenUnbelievable`."""
    header, claims = _verified(token, keys)
    if str(header.get("typ", "JWT")).lower() not in ("jwt", "logout+jwt", "application/logout+jwt"):
        raise TokenUnbelievable("typ")
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client},
        "iat": {"essential": True},
        "jti": {"essential": True},
    }
    stamp = int(now.timestamp())
    try:
        jwt.JWTClaimsRegistry(now=stamp, leeway=LEEWAY, **options).validate(claims)
    except (ClaimError, TypeError, ValueError) as error:
        raise TokenUnbelievable(_claim(error)) from error
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict):
        raise TokenUnbelievable("events")
    if "nonce" in claims:  # what makes an ID token none of these
        raise TokenUnbelievable("nonce")
    if abs(stamp - claims["iat"]) > RECENT.total_seconds():
        raise TokenUnbelievable("iat")
    sub = _name(claims, "sub") if "sub" in claims else ""
    sid = _name(claims, "sid") if "sid" in claims else ""
    if not sub and not sid:
        raise TokenUnbelievable("sub and sid")
    return LogoutRequest(issuer, sub, sid, _name(claims, "jti"))


def identity_of(claims: Mapping[str, Any]) -> ProviderIdentity:
    """Whom judged *claims* are about."""
    return ProviderIdentity(claims["iss"], claims["sub"])


def session_of(claims: Mapping[str, Any]) -> str:
    """What the provider calls the session of judged *claims*; empty for nothing that it could end by."""
    sid = claims.get("sid")
    return sid if isinstance(sid, str) and len(sid) <= LONGEST_NAME and sid.isprintable() else ""


def with_user_info(claims: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The judged *claims* of an ID token and what the UserInfo endpoint *said* beside; the signed ones go first.
    Raises :class:`TokenUnbelievable` when it speaks of somebody else (Core 1.0, 5.3.2)."""
    if not said:
        return dict(claims)
    if said.get("sub") != claims["sub"]:
        raise TokenUnbelievable("sub of the UserInfo endpoint")
    apart = {"email_verified"} if "email" in claims else set()  # says something of its own address alone
    return {name: value for name, value in said.items() if name not in apart} | dict(claims)


def _verified(token: str, keys: KeySet) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of *token*, which one of *keys* has signed."""
    if len(token) > LONGEST or not token.isascii():
        raise TokenUnbelievable("length")
    try:
        found = jwt.decode(token, keys, algorithms=ALGORITHMS, registry=_REGISTRY)
    except InvalidKeyIdError as error:
        raise UnknownKey("key") from error
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TokenUnbelievable(f"signature: {type(error).__name__}") from error
    return dict(found.header), dict(found.claims)


def _require_several_audiences(claims: Mapping[str, Any]) -> None:
    """More audiences than one need ``azp``, which is ours then (Core 1.0, 3.1.3.7, 4 and 5)."""
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise TokenUnbelievable("azp")


def _name(claims: Mapping[str, Any], name: str) -> str:
    found = claims[name]
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_NAME or not found.isprintable():
        raise TokenUnbelievable(name)
    return found


def _claim(error: Exception) -> str:
    claim = getattr(error, "claim", None)
    return f"{type(error).__name__} {claim}" if isinstance(claim, str) else type(error).__name__
