"""Intents from the JSON objects that are hashed, with every field checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from hsm.errors import BadRequest
from hsm.intents import OfficerIntent, SigningIntent

T = TypeVar("T")

_INTENT = frozenset({"act", "contract", "digest", "expires", "field", "nonce", "party", "signer"})
_MORE = frozenset({"custodians"})
_OFFICER = frozenset({"act", "details", "expires", "nonce"})
_NONCE_BYTES = 16


def field(values: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """The field *name*, of exactly the type *kind*. Raises :class:`BadRequest`."""
    value = values.get(name)
    if type(value) is not kind:
        raise BadRequest("The field {name} is missing or is no {kind}.", name=name, kind=kind.__name__)
    return value


def signing_intent_from_wire(value: Any) -> SigningIntent:
    """The intent whose :meth:`~hsm.intents.SigningIntent.fields` crossed. Raises :class:`BadRequest`."""
    more = _MORE & set(value) if isinstance(value, dict) else frozenset()
    fields = _intent_fields(value, _INTENT | more)
    if more and fields["custodians"] != 2:
        raise BadRequest("An act that says how many custodians it takes, takes two.")
    if fields["act"] != "sign":
        raise BadRequest("A signing intent's act is sign.")
    digest = _hex(fields, "digest")
    if len(digest) != 32:
        raise BadRequest("The digest of a document has 32 bytes.")
    return SigningIntent(
        contract=field(fields, "contract", str),
        party=field(fields, "party", str),
        field=field(fields, "field", str),
        signer=field(fields, "signer", str),
        digest=digest,
        expires=_moment(fields),
        nonce=_nonce(fields),
        custodians=2 if more else 1,
    )


def officer_intent_from_wire(value: Any, kind: str) -> OfficerIntent:
    """The officer's intent of this *kind* whose fields crossed. Raises :class:`BadRequest`."""
    fields = _intent_fields(value, _OFFICER)
    if fields["act"] != kind:
        raise BadRequest("This act is of another kind than the operation {kind}.", kind=kind)
    return OfficerIntent(
        kind=kind, details=field(fields, "details", dict), expires=_moment(fields), nonce=_nonce(fields)
    )


def any_intent_from_wire(value: Any) -> SigningIntent | OfficerIntent:
    """The intent of either kind whose fields crossed. Raises :class:`BadRequest`."""
    kind = value.get("act") if isinstance(value, dict) else None
    if kind == "sign":
        return signing_intent_from_wire(value)
    if type(kind) is not str:
        raise BadRequest("An act must say which one it is.")
    return officer_intent_from_wire(value, kind)


def _intent_fields(value: Any, names: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise BadRequest("An act must have exactly the fields {names}.", names=", ".join(sorted(names)))
    return value


def _hex(fields: Mapping[str, Any], name: str) -> bytes:
    text = field(fields, name, str)
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise BadRequest("The field {name} is not hexadecimal.", name=name) from error
    if value.hex() != text:
        raise BadRequest("The field {name} must be lower-case hexadecimal without spaces.", name=name)
    return value


def _nonce(fields: Mapping[str, Any]) -> bytes:
    nonce = _hex(fields, "nonce")
    if len(nonce) != _NONCE_BYTES:
        raise BadRequest("An act's nonce has {size} bytes.", size=_NONCE_BYTES)
    return nonce


def _moment(fields: Mapping[str, Any]) -> datetime:
    text = field(fields, "expires", str)
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadRequest("The expiry of an act must be like 2026-11-25T08:00:00Z.") from error
    return moment
