"""What the authority says about itself; contains nothing secret and no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hsm.sentence import Sentence


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
