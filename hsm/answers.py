"""What the authority answers about people: their credentials, and who has approved an intent. Nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """An unrevoked credential: ``kind`` is webauthn, with ``credential_id`` and ``public_key`` (COSE, RFC 9053),
    or pin-totp, which has neither."""

    kind: str
    credential_id: bytes | None
    added: datetime
    public_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who (subjects) has approved an intent, and how many the rules want before it can be done."""

    given: tuple[str, ...]
    required: int

    @property
    def enough(self) -> bool:
        """Whether the intent can be done without a further activation."""
        return len(self.given) >= self.required


@dataclass(frozen=True, slots=True)
class KnownCompanySeal:
    """A seal as the authority knows it: its ``custodians`` and how many of them it takes (``needed``); the SHA-256
    (hex) of its ``picture``, None for the drawn one; how many of its keys the HSM still holds (``keys_left``)."""

    subject: str
    kind: str
    custodians: tuple[str, ...]
    needed: int
    picture: str | None
    suspended: datetime | None
    destroyed: datetime | None
    keys_left: int


@dataclass(frozen=True, slots=True)
class Appointment:
    """Whether first officers can be appointed: how many set-up codes still count, and until when (aware);
    ``recovering`` are the officers (subjects) for whom a recovery code counts."""

    codes: int
    until: datetime | None
    recovering: tuple[str, ...] = ()


OFFICER_RECOVERY = "officer-recovery"
"""How the names of ceremonies begin by which officers are given a new way in."""


@dataclass(frozen=True, slots=True)
class HeldCeremony:
    """A ceremony that was held, or a later change by which a key from one was exchanged or revoked.

    ``number`` counts from 1; ``sha256`` (32 bytes) is that of the transcript, ``intact`` whether what is kept of
    it still has it.
    """

    number: int
    name: str
    sha256: bytes
    held: datetime
    intact: bool

    @property
    def recovers_officers(self) -> bool:
        """Whether officers were given a new way in."""
        return self.name.startswith(f"{OFFICER_RECOVERY}-")
