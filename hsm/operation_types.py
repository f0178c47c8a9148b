"""What the operations in :mod:`hsm.client` answer, about the authority, its ceremonies, people and seals. Nothing
secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hsm.batches import BatchMembership
from hsm.errors import Sentence


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """An unrevoked credential: ``kind`` is webauthn, with ``credential_id`` and ``public_key`` (COSE, RFC 9053),
    or pin-totp, which has neither. ``reference``: which form of the portal led to it, if that was told."""

    kind: str
    credential_id: bytes | None
    added: datetime
    public_key: bytes | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PendingCredential:
    """A credential that was registered on the activation service's pages and waits for officers, who name it by
    its ``fingerprint`` (five groups of four hexadecimal digits). ``reference``: which form of the portal led to
    it, if that was told."""

    fingerprint: str
    kind: str
    credential_id: bytes | None
    public_key: bytes | None
    registered: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class BegunRegistration:
    """``challenge`` (32 bytes) is what the authenticator answers; ``attestation``: whether it has to prove of
    which kind it is; ``pin``: whether PIN and code are taken here at all."""

    challenge: bytes
    attestation: bool
    pin: bool


@dataclass(frozen=True, slots=True)
class KnownSubject:
    """Somebody, or a seal, as enrolled; ``kind`` is person, outside, officer, keeper, seal or outside-seal."""

    subject: str
    kind: str
    name: str
    organisation: str

    @property
    def is_seal(self) -> bool:
        """Whether it is a company seal: the house's, or another company's."""
        return self.kind in ("seal", "outside-seal")


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who (subjects) has approved an intent, and how many the rules want before it can be done; by subject, in
    which batch they approved it ``together`` with others, if in one."""

    given: tuple[str, ...]
    required: int
    together: Mapping[str, BatchMembership] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether the intent can be done without a further activation."""
        return len(self.given) >= self.required


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """What the authority states, and the evidence service's detached signature over it (``cms``, DER).

    The ``statement`` is canonical JSON: that officers have confirmed a power of attorney (``vermilion-power/1``)
    or approved an anchor for outside signers (``vermilion-signer-anchor/1``), or who has vouched for whom and
    which certificate came of it (``vermilion-vouching/1``).
    """

    statement: bytes
    cms: bytes


@dataclass(frozen=True, slots=True)
class KnownVouching:
    """That a person of the house (``vouched_by``) has vouched for the outside signer ``subject``, as one ``party``
    of one ``contract``; ``tries_left`` at the code, 0 once it does not count any more; ``registered``: whether it
    was used; ``ended``: whether neither code nor key is left."""

    subject: str
    contract: str
    party: str
    vouched_by: str
    vouched: datetime
    tries_left: int
    registered: bool
    ended: bool


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


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """How many documents one activation signs remotely by a key of each use (:class:`hsm.remote.RemoteUse`); 0
    where such keys sign nothing."""

    document: int
    hash: int


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
    """A state of the log that the authority has signed: number of entries and root hash (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class AuthorityStatus:
    """``policies`` are the timestamp policies accepted, the default first; ``hashes`` the digests that are dated
    (``sha256``, …); ``origin`` is the log's name, ``checkpoint`` what was signed last of it;
    ``activation_origins`` are the web origins that activations may come from (none named: an earlier release)."""

    state: AuthorityState
    sentence: Sentence
    version: str
    clock: ClockReport
    keys: tuple[KeyReport, ...]
    origin: str
    policies: tuple[str, ...]
    hashes: tuple[str, ...]
    checkpoint: SignedCheckpoint | None
    activation_origins: tuple[str, ...] = ()
