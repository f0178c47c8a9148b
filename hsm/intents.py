"""What a person activates: intents, each with one canonical byte form whose hash is the challenge.

An *intent* names exactly one thing that the authority would do (sign this digest for this party, enrol this
person, revoke this certificate) and when the permission ends. The person's authenticator signs the intent's
challenge (WebAuthn Level 3, section 7.2), so an activation for one intent is worthless for any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hsm import canonical


def instant(moment: datetime) -> str:
    """*moment* (aware) as ISO 8601 in UTC with whole seconds, e.g. ``2026-11-25T08:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class SigningIntent:
    """One signature by one key on one document digest, once.

    ``signer`` is the subject whose key signs (a person, ``person-…``, or a seal, ``seal-…``); ``digest`` is the
    SHA-256 over the PDF's ByteRange (32 bytes); ``nonce`` is 16 random bytes; ``expires`` is aware.
    ``custodians``: how many custodians this use of a seal takes, when it is more than the seal itself demands.
    """

    contract: str
    party: str
    field: str
    signer: str
    digest: bytes
    expires: datetime
    nonce: bytes
    custodians: int = 1

    def fields(self) -> dict[str, Any]:
        """The intent as the JSON object that is hashed; bytes are lower-case hex, one custodian goes unsaid."""
        more = {} if self.custodians == 1 else {"custodians": self.custodians}
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
        return challenge_of(self.fields())


ASKED_ELSEWHERE_HOURS = 24
"""How long an officers' intent may wait that administrators have asked for: as long as their second person had."""


@dataclass(frozen=True, slots=True)
class OfficerIntent:
    """An administrative intent: ``kind`` is the operation's name and ``details`` its arguments, JSON values
    only."""

    kind: str
    details: Mapping[str, Any]
    expires: datetime
    nonce: bytes

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
        return challenge_of(self.fields())


def challenge_of(fields: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON of an intent's *fields*."""
    return hashlib.sha256(canonical.encode(dict(fields))).digest()


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
