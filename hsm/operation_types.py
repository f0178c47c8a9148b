"""Requests and answers of the operations in :mod:`hsm.client`. Secrets are in no answer, and in no repr."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hsm.errors import Sentence
from hsm.intents import Activation, OfficerIntent, SigningIntent, required_field


@dataclass(frozen=True, slots=True)
class NoArguments:
    """Of operations whose name says everything."""


@dataclass(frozen=True, slots=True)
class SubjectQuery:
    """About one subject of the store."""

    subject: str


@dataclass(frozen=True, slots=True)
class OfIssuer:
    """About one CA: ``root``, ``issuing``, ``issuing-2``, …"""

    issuer: str


@dataclass(frozen=True, slots=True)
class OfCertificate:
    """About one certificate (DER)."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class OcspQuestion:
    """An OCSP request (RFC 6960, DER), or what somebody sent as one."""

    request: bytes


@dataclass(frozen=True, slots=True)
class OfCeremony:
    """About one ceremony by its number, which counts from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class DocumentSigning:
    """An intent, with the activations that are given on the spot."""

    intent: SigningIntent
    activations: Sequence[Activation]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One person's activation of an intent."""

    intent: SigningIntent | OfficerIntent
    activation: Activation


@dataclass(frozen=True, slots=True)
class IntentQuery:
    """About one intent of either kind."""

    intent: SigningIntent | OfficerIntent


@dataclass(frozen=True, slots=True)
class TimestampOrders:
    """Orders as :meth:`hsm.timestamp.ImprintOrder.fields` gives them: checked one by one where they are signed."""

    orders: list[Any]


@dataclass(frozen=True, slots=True)
class ManifestSigningRequest:
    """An evidence manifest (canonical JSON)."""

    manifest: bytes


@dataclass(frozen=True, slots=True)
class CodeUse:
    """A one-time code of a ceremony, and the details of the officer whom it is for."""

    code: str = field(repr=False)
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OfficerRequest:
    """An administrative intent, which is of the operation's own kind, and officers' activations of it."""

    intent: OfficerIntent
    activations: Sequence[Activation]

    def text(self, name: str) -> str:
        """The text *name* in the intent's details. Raises :class:`hsm.errors.BadRequest`."""
        return required_field(self.intent.details, name, str)


@dataclass(frozen=True, slots=True)
class Unlocking(OfficerRequest):
    """With the PIN in parts that different hands hold."""

    pins: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinCustodianEndRequest:
    """A PIN custodian, and the id of one authenticator or None for all."""

    subject: str
    credential: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyToWrap:
    """A document key of 16 to 64 bytes, and what it is for."""

    context: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyToUnwrap:
    """A wrapped document key, and what it is for."""

    context: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class OfBackup:
    """The part of a backup by the name that its making was given."""

    name: str


@dataclass(frozen=True, slots=True)
class BackupPiece:
    """Where in the part the next piece begins, in bytes."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class BackupSigning:
    """The manifest (canonical JSON) of a backup with this part."""

    name: str
    manifest: bytes


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


class AuthorityState(StrEnum):
    """Unprovisioned: before the ceremony. Locked: no PIN, or a wrong one. Unavailable: the HSM is gone."""

    UNPROVISIONED = "unprovisioned"
    LOCKED = "locked"
    UNAVAILABLE = "unavailable"
    OPERATIONAL = "operational"


class ClockState(StrEnum):
    """In step; soon out: nothing has renewed the proof for a while; out of step; moved by somebody; unknown."""

    IN_STEP = "in-step"
    SOON_OUT = "soon-out"
    OUT_OF_STEP = "out-of-step"
    STEPPED = "stepped"
    UNKNOWN = "unknown"

    @property
    def trusted(self) -> bool:
        """Whether timestamps are given."""
        return self in (ClockState.IN_STEP, ClockState.SOON_OUT)


@dataclass(frozen=True, slots=True)
class ClockReport:
    """``source``: who vouches for the time; ``trusted``: whether timestamps are given now; ``sentence``: why.

    ``offset`` was measured and ``error`` is the most that the clock may be from UTC, in microseconds, where known.
    """

    source: str
    trusted: bool
    sentence: Sentence
    state: ClockState = ClockState.UNKNOWN
    offset: int | None = None
    error: int | None = None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """One current certificate: its subject, the label of its key, the algorithm, and when it ends (aware)."""

    subject: str
    label: str
    algorithm: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """The state of the log that the authority signed last: number of entries and root hash (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class AuthorityStatus:
    """``policies`` are the timestamp policies accepted, the default first; ``hashes`` the digests that are dated
    (``sha256``, …); ``origin`` is the log's name."""

    state: AuthorityState
    sentence: Sentence
    version: str
    clock: ClockReport
    keys: tuple[KeyReport, ...]
    origin: str
    policies: tuple[str, ...]
    hashes: tuple[str, ...]
    checkpoint: SignedCheckpoint | None
