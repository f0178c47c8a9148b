"""What the authority says about itself; contains nothing secret and no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

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

    def to_wire(self) -> dict[str, Any]:
        """Plain values for the socket."""
        return {
            "state": self.state.value,
            "sentence": self.sentence.to_wire(),
            "version": self.version,
            "clock": _clock_to_wire(self.clock),
            "keys": [[key.subject, key.label, key.algorithm, int(key.not_after.timestamp())] for key in self.keys],
            "origin": self.origin,
            "policies": list(self.policies),
            "hashes": list(self.hashes),
            "checkpoint": None if self.checkpoint is None else [self.checkpoint.size, self.checkpoint.root],
        }

    @classmethod
    def from_wire(cls, value: dict[str, Any]) -> AuthorityStatus:
        """The report that :meth:`to_wire` made."""
        return cls(
            state=AuthorityState(value["state"]),
            sentence=Sentence(*value["sentence"]),
            version=value["version"],
            clock=_clock(*value["clock"]),
            keys=tuple(
                KeyReport(subject, label, algorithm, datetime.fromtimestamp(end, UTC))
                for subject, label, algorithm, end in value["keys"]
            ),
            origin=value["origin"],
            policies=tuple(value["policies"]),
            hashes=tuple(value["hashes"]),
            checkpoint=None if value["checkpoint"] is None else SignedCheckpoint(*value["checkpoint"]),
        )


def _clock_to_wire(clock: ClockReport) -> list[Any]:
    return [clock.source, clock.trusted, *clock.sentence.to_wire(), clock.state.value, clock.offset, clock.error]


def _clock(
    source: str,
    trusted: bool,
    template: str,
    values: dict[str, Any],
    state: str = ClockState.UNKNOWN,
    offset: int | None = None,
    error: int | None = None,
) -> ClockReport:
    return ClockReport(source, trusted, Sentence(template, values), ClockState(state), offset, error)
