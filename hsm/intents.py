"""What a person activates: intents, each with one canonical byte form whose hash is the challenge.

An *intent* names exactly one thing that the authority would do (sign this digest for this party, enrol this
person, revoke this certificate) and when the permission ends. The person's authenticator signs the intent's
challenge (WebAuthn Level 3, section 7.2), so an activation for one intent is worthless for any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from hsm import canonical
from hsm.errors import BadRequest
from hsm.names import LONGEST_ORGANISATION, is_visible


def in_groups(digest: str, digits: int = 20) -> str:
    """The first *digits* of a hexadecimal digest in groups of four, as people read and compare them; twenty are 80
    bits."""
    return " ".join(digest[start : start + 4] for start in range(0, digits, 4))


CONSOLE_DIGITS: Final = 24
"""Of the fingerprint of a passkey of the console: 96 bits, so that no second key with the same one is found."""


def console_fingerprint(login: str, credential_id: bytes, public_key: bytes) -> str:
    """What administrators read out of a passkey that they have registered on the console: to root, who confirms
    it, and to officers, who make its owner a PIN custodian."""
    said = {"credential": credential_id.hex(), "login": login, "public_key": public_key.hex()}
    return in_groups(hashlib.sha256(canonical.encode(said)).hexdigest(), CONSOLE_DIGITS)


def instant(moment: datetime) -> str:
    """*moment* (aware) as ISO 8601 in UTC with whole seconds, e.g. ``2026-11-25T08:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_FIRST_SHOWN: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LAST_SHOWN: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def moment_in(text: str) -> datetime:
    """The moment (aware) that *text* names in the form of :func:`instant`.

    Raises ValueError, also for the first and the last day of the calendar: in some zones it has no date there, so
    no page could show it.
    """
    found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not _FIRST_SHOWN <= found <= _LAST_SHOWN:
        raise ValueError("This moment has no date in some zones.")
    return found


LONGEST_TITLE: Final = 200
LONGEST_SEAL_REASON: Final = 500
"""Characters of a contract's title, and of the reason for which a seal is used."""

MOST_PARTIES: Final = 50
"""Parties of a contract."""

MOST_VALUES, LONGEST_LABEL, LONGEST_VALUE = 50, 100, 500
"""What a signer fills in: how many fields, and the characters of a field's label and of its value."""


class Challenging(Protocol):
    """What an authenticator answers: an intent, or a batch of them."""

    def challenge(self) -> bytes:
        """Its hash (32 bytes)."""


@dataclass(frozen=True, slots=True)
class SigningIntent:
    """One signature by one key on one document digest, once.

    ``signer`` is the subject whose key signs (a person, ``person-…``, or a seal, ``seal-…``); ``digest`` is the
    SHA-256 over the PDF's ByteRange (32 bytes); ``nonce`` is 16 random bytes; ``expires`` is aware.
    ``custodians``: how many custodians this use of a seal takes, when it is more than the seal itself demands.
    ``contract``, ``party``, ``field`` and ``signer`` are one visible line too: without a title, the page shows the
    contract's number in its place.
    ``title`` is what the document is called, ``parties`` are the organisations that sign it (or people who sign
    for none), in its order, and ``reason`` is why a seal is used: each one line of visible characters
    (:func:`hsm.names.is_visible`), so that it is hashed as it is read.
    ``values`` are what the signer has filled in, each as the field's label and the value: lines like ``title``.
    ``passkey_only``: whether every activation takes a passkey, the least strength that counts; else PIN and code
    do as well, where the settings take them.
    """

    contract: str
    party: str
    field: str
    signer: str
    digest: bytes
    expires: datetime
    nonce: bytes
    custodians: int = 1
    title: str = ""
    parties: tuple[str, ...] = ()
    reason: str = ""
    passkey_only: bool = False
    values: tuple[tuple[str, str], ...] = ()

    def fields(self) -> dict[str, Any]:
        """The intent as the JSON object that is hashed; bytes are lower-case hex. One custodian goes unsaid, and
        so does what is empty or false: an intent without it has the hash that it had before there was such a
        field."""
        words = {"title": self.title, "parties": list(self.parties), "reason": self.reason}
        more: dict[str, Any] = {name: value for name, value in words.items() if value}
        if self.passkey_only:
            more["passkey_only"] = True
        if self.values:
            more["values"] = [list(each) for each in self.values]
        if self.custodians != 1:
            more["custodians"] = self.custodians
        return {
            "act": "sign",
            "contract": self.contract,
            "digest": self.digest.hex(),
            "expires": instant(self.expires),
            "field": self.field,
            "nonce": self.nonce.hex(),
            "party": self.party,
            "signer": self.signer,
            **more,
        }

    def challenge(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical intent."""
        return hashlib.sha256(canonical.encode(self.fields())).digest()


ASKED_ELSEWHERE_HOURS = 24
"""How long an officers' intent may wait that administrators have asked for: as long as their second person had."""

ASKED_BY_PARTNER_HOURS = 168
"""The same of another company's seal, for which that company asks the officers."""


@dataclass(frozen=True, slots=True)
class OfficerIntent:
    """An administrative intent: ``kind`` is the operation's name and ``details`` its arguments, JSON values
    only."""

    kind: str
    details: Mapping[str, Any]
    expires: datetime
    nonce: bytes

    def text(self, name: str) -> str:
        """The text *name* in the details. Raises :class:`BadRequest`."""
        return required_field(self.details, name, str)

    def fields(self) -> dict[str, Any]:
        """The intent as the JSON object that is hashed."""
        return {
            "act": self.kind,
            "details": dict(self.details),
            "expires": instant(self.expires),
            "nonce": self.nonce.hex(),
        }

    def challenge(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical intent."""
        return hashlib.sha256(canonical.encode(self.fields())).digest()


Intent = SigningIntent | OfficerIntent

_ARGUMENTS = {
    "enrol_person": "subject name organisation credentials",
    "enrol_officer": "subject name organisation credentials",
    "enrol_keeper": "subject name organisation credentials",
    "enrol_seal": "subject name organisation custodians kind needed",
    "add_credential": "subject credential",
    "revoke_credential": "subject credential",
    "retire": "subject reason",
    "rotate": "subject",
    "revoke_certificate": "subject reason",
    "resume_seal": "subject",
    "add_custodian": "subject custodian",
    "remove_custodian": "subject custodian",
    "set_custodians_needed": "subject needed",
    "change_picture": "subject picture",
    "destroy_seal": "subject",
    "confirm_power": "subject agent basis counterparties grantor kinds letter principal registered_by replaces"
    " seals since until",
    "approve_anchor": "subject organisation certificate",
    "unlock": "",
    "renew": "plan",
    "vouch": "contract signers title",
    "add_remote_key": "subject use",
    "sign_remotely": "client documents subject use",
}
"""The arguments of each officers' intent, of the one by which a person vouches (:mod:`hsm.vouching`), and of the
one by which a person signs for other software (:mod:`hsm.remote`)."""

_FURTHER = {"revoke_certificate": {"serial"}, "confirm_power": {"currency", "limit"}}
"""Those that it may have, or not."""


def require_own_arguments(intent: Intent) -> None:
    """Raises :class:`BadRequest` for an officers' intent of no kind that there is, or with other arguments than
    those of its kind: one that nobody reads could still make people believe that it counts."""
    if isinstance(intent, SigningIntent):
        return
    wanted = _ARGUMENTS.get(intent.kind)
    if wanted is None:
        raise BadRequest("There is no act of officers that is called {kind}.", kind=intent.kind[:_LONGEST_KIND])
    if set(intent.details) - _FURTHER.get(intent.kind, set()) != set(wanted.split()):
        raise BadRequest("The act {kind} has other arguments than its own.", kind=intent.kind)


@dataclass(frozen=True, slots=True)
class WebAuthnActivation:
    """An assertion (WebAuthn Level 3, section 5.2.2) whose challenge is the intent's; the strong kind."""

    subject: str
    credential_id: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class PinTotpActivation:
    """A PIN and an RFC 6238 code. Not bound to the intent by cryptography, so recorded as the weaker kind."""

    subject: str
    pin: str = field(repr=False)
    totp: str = field(repr=False)


Activation = WebAuthnActivation | PinTotpActivation


@dataclass(frozen=True, slots=True)
class PasskeyRegistration:
    """An authenticator's answer to a registration (WebAuthn Level 3, section 5.2.1); ``challenge`` is the one that
    the authority gave for it."""

    challenge: bytes
    client_data: bytes
    attestation_object: bytes


T = TypeVar("T")

_INTENT = frozenset({"act", "contract", "digest", "expires", "field", "nonce", "party", "signer"})
_MORE = frozenset({"custodians", "title", "parties", "reason", "passkey_only", "values"})
_OFFICER = frozenset({"act", "details", "expires", "nonce"})
_NONCE_BYTES = 16
_LONGEST_KIND = 40


def required_field(values: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """The field *name*, of exactly the type *kind*. Raises :class:`BadRequest`."""
    value = values.get(name)
    if type(value) is not kind:
        raise BadRequest("The field {name} is missing or is no {kind}.", name=name, kind=kind.__name__)
    return value


def plain_line(values: Mapping[str, Any], name: str, most: int = LONGEST_ORGANISATION, *, least: int = 1) -> str:
    """The field *name*: one visible line of *least* to *most* characters. Raises :class:`BadRequest`."""
    text = required_field(values, name, str)
    require_plain(least <= len(text) <= most and (not text or is_visible(text)), name)
    return text


def require_plain(holds: bool, name: str) -> None:
    """Raises :class:`BadRequest` for the field *name* of an intent's arguments, unless its plain form *holds*."""
    if not holds:
        raise not_plain(name)


def not_plain(name: str) -> BadRequest:
    """For the field *name* of an intent's arguments."""
    return BadRequest("The field {name} of an act does not have its plain form.", name=name)


def signing_intent_from_wire(value: Any) -> SigningIntent:
    """The intent whose :meth:`~hsm.intents.SigningIntent.fields` crossed. Raises :class:`BadRequest`."""
    more = _MORE & set(value) if isinstance(value, dict) else frozenset()
    fields = _intent_fields(value, _INTENT | more)
    if fields.get("custodians", 2) != 2:
        raise BadRequest("An act that says how many custodians it takes, takes two.")
    if fields.get("passkey_only", True) is not True:
        raise BadRequest("An act that says whether it takes a passkey only, says yes.")
    if fields["act"] != "sign":
        raise BadRequest("A signing intent's act is sign.")
    digest = _hex(fields, "digest")
    if len(digest) != 32:
        raise BadRequest("The digest of a document has 32 bytes.")
    return SigningIntent(
        contract=_line(fields, "contract", LONGEST_TITLE),
        party=_line(fields, "party", LONGEST_TITLE),
        field=_line(fields, "field", LONGEST_TITLE),
        signer=_line(fields, "signer", LONGEST_TITLE),
        digest=digest,
        expires=_moment(fields),
        nonce=_nonce(fields),
        custodians=2 if "custodians" in more else 1,
        title=_line(fields, "title", LONGEST_TITLE),
        parties=_parties(fields),
        reason=_line(fields, "reason", LONGEST_SEAL_REASON),
        passkey_only="passkey_only" in more,
        values=_values(fields),
    )


def officer_intent_from_wire(value: Any, kind: str | None = None) -> OfficerIntent:
    """The officers' intent whose fields crossed, of this *kind* where it is given. Raises :class:`BadRequest`."""
    if kind is None and (not isinstance(value, dict) or type(value.get("act")) is not str):
        raise BadRequest("An act must say which one it is.")
    fields = _intent_fields(value, _OFFICER)
    if kind is not None and fields["act"] != kind:
        raise BadRequest("This act is of another kind than the operation {kind}.", kind=kind)
    details = required_field(fields, "details", dict)
    return OfficerIntent(kind=fields["act"], details=details, expires=_moment(fields), nonce=_nonce(fields))


def any_intent_from_wire(value: Any) -> Intent:
    """The intent of either kind whose fields crossed. Raises :class:`BadRequest`."""
    if isinstance(value, dict) and value.get("act") == "sign":
        return signing_intent_from_wire(value)
    return officer_intent_from_wire(value)


def _intent_fields(value: Any, names: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise BadRequest("An act must have exactly the fields {names}.", names=", ".join(sorted(names)))
    return value


def _line(fields: Mapping[str, Any], name: str, most: int) -> str:
    """One visible line of at most *most* characters; empty for what goes unsaid."""
    if name not in fields:
        return ""
    text = required_field(fields, name, str)
    if not 1 <= len(text) <= most or not is_visible(text):
        raise BadRequest(
            "The field {name} of an act is one line of 1 to {most} visible characters.", name=name, most=most
        )
    return text


def _parties(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if "parties" not in fields:
        return ()
    names = required_field(fields, "parties", list)
    if not 1 <= len(names) <= MOST_PARTIES:
        raise BadRequest("An act names 1 to {most} parties.", most=MOST_PARTIES)
    parties = tuple(_line({"parties": each}, "parties", LONGEST_ORGANISATION) for each in names)
    if len(set(parties)) != len(parties):
        raise BadRequest("An act names each party once.")
    return parties


def _values(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "values" not in fields:
        return ()
    pairs = required_field(fields, "values", list)
    if not 1 <= len(pairs) <= MOST_VALUES or any(type(pair) is not list or len(pair) != 2 for pair in pairs):
        raise BadRequest("An act has 1 to {most} values, each with its label.", most=MOST_VALUES)
    return tuple(
        (_line({"values": label}, "values", LONGEST_LABEL), _line({"values": value}, "values", LONGEST_VALUE))
        for label, value in pairs
    )


def _hex(fields: Mapping[str, Any], name: str) -> bytes:
    text = required_field(fields, name, str)
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
    try:
        return moment_in(required_field(fields, "expires", str))
    except ValueError as error:
        raise BadRequest("The expiry of an act must be like 2026-11-25T08:00:00Z.") from error
