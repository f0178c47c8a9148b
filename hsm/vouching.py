"""Vouching: one person of the house names who from outside signs one contract, and the authority certifies them
for that contract alone, without an officer.

An *event certificate* says for what it is in an extension of its own, so that it is told from every other one by
itself:

    EventScope ::= SEQUENCE { contract UTF8String, party UTF8String, vouchedBy UTF8String }

It is not critical: programs that do not know it read the certificate policy and its notice.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from hsm import der
from hsm.errors import Malformed
from hsm.intents import LONGEST_TITLE, MOST_PARTIES, plain_line, require_plain, required_field
from hsm.names import LONGEST_PERSON, is_name, is_outside

VOUCH: Final = "vouch"
"""The kind of the intent."""

FORMAT: Final = "vermilion-vouching/1"
"""Of the authority's statement about whom somebody has vouched for."""

EVENTS: Final = "events"
"""The first CA that issues event certificates; those that follow it are called ``events-2``, ``events-3``, …"""

SCOPE: Final = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1.5")
"""The extension. The arc is that of :data:`hsm.certificates.POLICY`."""

TRIES: Final = 5
"""Wrong codes after which a code is dead."""

DIGITS: Final = 8
_UTF8: Final = 0x0C
_LONGEST_CHANNEL: Final = 200


def issues_events(issuer: str) -> bool:
    """Whether the CA of this name is one that issues event certificates."""
    return issuer == EVENTS or issuer.startswith(f"{EVENTS}-")


def new_code() -> str:
    """What the initiator tells the signer: eight digits in two groups."""
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    return f"{digits[:4]} {digits[4:]}"


@dataclass(frozen=True, slots=True)
class EventScope:
    """What an event certificate is for: the document of one ``contract``, as its ``party`` (both by their
    numbers), on the word of the person ``vouched_by`` (a subject)."""

    contract: str
    party: str
    vouched_by: str

    def extension(self) -> x509.UnrecognizedExtension:
        """As certificates have it."""
        parts = (der.element(_UTF8, each.encode()) for each in (self.contract, self.party, self.vouched_by))
        return x509.UnrecognizedExtension(SCOPE, der.element(der.SEQUENCE, *parts))


def scope_in(certificate: x509.Certificate) -> EventScope | None:
    """What the event certificate *certificate* is for; None for a certificate of another kind. Raises
    :class:`Malformed` for one whose extension cannot be read."""
    try:
        found = certificate.extensions.get_extension_for_oid(SCOPE).value
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError) as error:
        raise Malformed("The certificate's extensions cannot be read.") from error
    unreadable = Malformed("For which contract this event certificate is cannot be read.")
    if not isinstance(found, x509.UnrecognizedExtension):
        raise unreadable
    try:
        scope = EventScope(*(der.contents(each).decode() for each in der.members(found.value)))
    except (Malformed, ValueError, TypeError) as error:
        raise unreadable from error
    if scope.extension() != found:
        raise unreadable
    return scope


@dataclass(frozen=True, slots=True)
class VouchedSigner:
    """For whom somebody vouches: ``organisation`` is empty for a private person, ``channel`` is in words how they
    are told the code."""

    subject: str
    name: str
    organisation: str
    party: str
    channel: str


@dataclass(frozen=True, slots=True)
class VouchedContract:
    """For whom an intent vouches, and in which contract: its number and title."""

    contract: str
    title: str
    signers: tuple[VouchedSigner, ...]


_SIGNER: Final = frozenset({"subject", "name", "organisation", "party", "channel"})


def vouched_in(details: Mapping[str, Any]) -> VouchedContract:
    """What the arguments of an intent say, each in its plain form. Raises :class:`BadRequest`."""
    given = required_field(details, "signers", list)
    require_plain(1 <= len(given) <= MOST_PARTIES, "signers")
    signers = tuple(map(_signer, given))
    require_plain(len({each.subject for each in signers}) == len(signers), "subject")
    require_plain(len({each.party for each in signers}) == len(signers), "party")
    return VouchedContract(
        plain_line(details, "contract", LONGEST_TITLE), plain_line(details, "title", LONGEST_TITLE), signers
    )


def _signer(value: Any) -> VouchedSigner:
    require_plain(isinstance(value, dict) and set(value) == _SIGNER, "signers")
    signer = VouchedSigner(
        subject=required_field(value, "subject", str),
        name=plain_line(value, "name", LONGEST_PERSON),
        organisation=plain_line(value, "organisation", least=0),
        party=plain_line(value, "party", LONGEST_TITLE),
        channel=plain_line(value, "channel", _LONGEST_CHANNEL),
    )
    require_plain(is_name(signer.subject, "person") and is_outside(signer.subject), "subject")
    return signer
