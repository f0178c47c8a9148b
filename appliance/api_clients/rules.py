"""What the terms and the authentication of an API client must be like. Pure."""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import Any, Final

from appliance.entered_text import require_text
from appliance.errors import PreconditionRefused
from appliance.language.characters import words
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from hsm.names import name_key

LONGEST_NAME: Final = 60
LONGEST_KIND: Final = 60
LONGEST_HOST: Final = 253
MOST: Final = 20
"""Organisations, and types of contract, of one client."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PORT = (
    "(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"  # to 65535
)
_ORIGIN: Final = re.compile(rf"https://((?:{_LABEL}\.)*(?=[a-z]){_LABEL}){_PORT}")
"""An origin as browsers write it (RFC 6454, 6.2), of a host with a name."""
_LOOPBACK: Final = re.compile(rf"http://(?:localhost|127\.0\.0\.1){_PORT}")

_ID: Final = re.compile(r"client-[0-9a-f]{16}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JWK that only its owner may have (RFC 7518, 6)."""
_KEY_TYPES: Final = frozenset({"EC", "OKP", "RSA"})

RSA_BITS: Final = range(2048, 8193)
"""Shorter keys are weak (RFC 7518, 3.3); with longer ones a stranger's signature costs too much to verify."""


def read_scopes(text: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these names. Raises :class:`PreconditionRefused` for one that does not exist."""
    found = set()
    for name in text:
        if name not in set(Scope):
            raise PreconditionRefused(
                "There is no scope {scope}; there are {known}.", scope=name, known=" ".join(sorted(Scope))
            )
        found.add(Scope(name))
    return frozenset(found)


def tidy_terms(
    client_id: str, terms: ClientTerms, organisations: Sequence[str], *, development: bool = False
) -> ClientTerms:
    """*terms* in their one form; organisations as the register spells those that are known here. *development*:
    as that of :func:`tidy_origins`.

    Raises :class:`PreconditionRefused`.
    """
    require_client_id(client_id)
    name = require_text(
        words(terms.name),
        missing="An API client needs a name.",
        too_long="The name is too long; {most} characters are possible.",
        most=LONGEST_NAME,
    )
    if not terms.scopes:
        raise PreconditionRefused("An API client needs at least one scope.")
    if not terms.organisations:
        raise PreconditionRefused("An API client needs at least one organisation.")
    kinds = frozenset(kind for kind in map(words, terms.kinds) if kind)
    if len(terms.organisations) > MOST or len(kinds) > MOST or any(len(kind) > LONGEST_KIND for kind in kinds):
        raise PreconditionRefused(
            "An API client has at most {most} organisations and {most} types of contract, each of at most"
            " {letters} characters.",
            most=MOST,
            letters=LONGEST_KIND,
        )
    origins = tidy_origins(terms.origins, terms.scopes, development=development)
    return ClientTerms(name, terms.scopes, _known(terms.organisations, organisations), kinds, origins)


def require_client_id(client_id: str) -> None:
    """Raises :class:`PreconditionRefused` for what is the id of no client, whichever there are."""
    if not _ID.fullmatch(client_id):
        raise PreconditionRefused("The id of an API client is client- and 16 hexadecimal digits.")


def tidy_origins(origins: Iterable[str], scopes: Set[Scope], *, development: bool) -> frozenset[str]:
    """The *origins* in whose pages links may be embedded, as browsers write them. *development*: pages of this
    computer may come without TLS.

    Raises :class:`PreconditionRefused` for what is no origin of exactly one host, and for any without the scope.
    """
    found = frozenset(re.sub("^(https://.*):443$", r"\1", each.strip()) for each in origins)
    for each in found:
        host = _ORIGIN.fullmatch(each)
        plain = host is not None and len(host[1]) <= LONGEST_HOST and "xn--" not in host[1]
        if not plain and not (development and _LOOPBACK.fullmatch(each)):
            raise PreconditionRefused(
                "{origin} is not written as an origin: https://, one host name in small Latin letters, a port if"
                " it has one, and nothing behind, such as https://erp.example.com.",
                origin=each,
            )
    if len(found) > MOST:
        raise PreconditionRefused("An API client has at most {most} origins.", most=MOST)
    if found and Scope.LINKS_WRITE not in scopes:
        raise PreconditionRefused("Only links that the API client gets are embedded: it needs links:write, too.")
    return found


def _known(wanted: Iterable[str], organisations: Sequence[str]) -> frozenset[str]:
    """Every spelling that the register has of the *wanted* organisations."""
    spelt: dict[str, set[str]] = {}
    for each in organisations:
        spelt.setdefault(name_key(each), set()).add(each)
    found: set[str] = set()
    for each in wanted:
        if name_key(each) not in spelt:
            raise PreconditionRefused(
                "{organisation} is no organisation of this appliance; it has {known}.",
                organisation=each,
                known="; ".join(sorted(organisations)),
            )
        found |= spelt[name_key(each)]
    return frozenset(found)


def require_authentication(authentication: ClientAuthentication, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` for what no client can prove itself by."""
    if authentication.secret is not None and len(authentication.secret) != 32:
        raise PreconditionRefused("The SHA-256 of a secret has 64 hexadecimal digits.")
    if authentication.certificate is not None and not _HEX.fullmatch(authentication.certificate):
        raise PreconditionRefused("The SHA-256 of a certificate has 64 hexadecimal digits.")
    if authentication.certificate is not None and authentication.certificate_expires is None:
        raise PreconditionRefused("A certificate is registered with the moment at which it expires.")
    if authentication.certificate_expires is not None and authentication.certificate_expires <= now:
        raise PreconditionRefused("The certificate has expired.")
    if authentication.keys is not None and not _is_key_set(authentication.keys):
        raise PreconditionRefused("The keys are no JWK set of public keys (RFC 7517).")
    for key in json.loads(authentication.keys)["keys"] if authentication.keys is not None else ():
        if key["kty"] == "RSA" and _bits(key.get("n")) not in RSA_BITS:
            raise PreconditionRefused(
                "An RSA key of a client has {least} to {most} bits.", least=RSA_BITS[0], most=RSA_BITS[-1]
            )


def _is_key_set(text: str) -> bool:
    try:
        keys: Any = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError):
        return False
    return isinstance(keys, list) and bool(keys) and all(map(_is_public, keys))


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KEY_TYPES and not _PRIVATE & key.keys()


def _bits(modulus: object) -> int:
    """The length of a modulus in Base64url (RFC 7518, 6.3.1.1); 0 for what is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(f"{modulus}==".encode("ascii"))).bit_length()
    except (UnicodeEncodeError, binascii.Error):
        return 0
