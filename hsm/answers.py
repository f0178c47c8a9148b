"""What the authority answers about people: their credentials, and who has approved an intent. Nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """An unrevoked credential: ``kind`` is webauthn, with ``credential_id`` and ``public_key`` (COSE, RFC 9053),
    or pin-totp, which has neither."""

    kind: str
    credential_id: bytes | None
    added: datetime
    public_key: bytes | None = None

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.kind, self.credential_id, int(self.added.timestamp()), self.public_key]

    @classmethod
    def from_wire(cls, value: list[Any]) -> KnownCredential:
        """The credential that :meth:`to_wire` made."""
        kind, credential_id, added, *public_key = value  # an authority of an earlier release tells no key
        return cls(kind, credential_id, datetime.fromtimestamp(added, UTC), *public_key)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who (subjects) has approved an intent, and how many the rules want before it can be done."""

    given: tuple[str, ...]
    required: int

    @property
    def enough(self) -> bool:
        """Whether the intent can be done without a further activation."""
        return len(self.given) >= self.required

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [list(self.given), self.required]

    @classmethod
    def from_wire(cls, value: list[Any]) -> Approvals:
        """The approvals that :meth:`to_wire` made."""
        given, required = value
        return cls(tuple(given), required)


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

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        times = (None if each is None else int(each.timestamp()) for each in (self.suspended, self.destroyed))
        named = self.subject, self.kind, list(self.custodians), self.needed, self.picture
        return [*named, *times, self.keys_left]

    @classmethod
    def from_wire(cls, value: list[Any]) -> KnownCompanySeal:
        """The seal that :meth:`to_wire` made."""
        subject, kind, custodians, needed, picture, *times, left = value
        suspended, destroyed = (None if each is None else datetime.fromtimestamp(each, UTC) for each in times)
        return cls(subject, kind, tuple(custodians), needed, picture, suspended, destroyed, left)


@dataclass(frozen=True, slots=True)
class Appointment:
    """Whether first officers can be appointed: how many set-up codes still count, and until when (aware);
    ``recovering`` are the officers (subjects) for whom a recovery code counts."""

    codes: int
    until: datetime | None
    recovering: tuple[str, ...] = ()

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.codes, None if self.until is None else int(self.until.timestamp()), list(self.recovering)]

    @classmethod
    def from_wire(cls, value: list[Any]) -> Appointment:
        """The answer that :meth:`to_wire` made."""
        codes, until, *more = value  # an authority of an earlier release knows no recovery
        recovering = tuple(more[0]) if more else ()
        return cls(codes, None if until is None else datetime.fromtimestamp(until, UTC), recovering)


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

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.number, self.name, self.sha256, int(self.held.timestamp()), self.intact]

    @classmethod
    def from_wire(cls, value: list[Any]) -> HeldCeremony:
        """The ceremony that :meth:`to_wire` made."""
        number, name, sha256, held, intact = value
        return cls(number, name, sha256, datetime.fromtimestamp(held, UTC), intact)
