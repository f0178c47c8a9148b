"""Outside witnesses of the log as people are shown them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WitnessProblem(StrEnum):
    """What came of handing a checkpoint in, where it was no cosignature."""

    UNREACHABLE = "unreachable"
    """No answer, or one of a server that is in trouble."""
    UNKNOWN_LOG = "unknown-log"
    """The witness does not know this log (404)."""
    NOT_SIGNED = "not-signed"
    """The witness has another key for this log (403)."""
    FORKED = "forked"
    """What the witness cosigned before is not the beginning of this log (422, or 409 for a size that this log does
    not have or has with another root)."""
    BAD_ANSWER = "bad-answer"
    """An answer without a good cosignature."""
    REFUSED = "refused"
    """Another refusal."""


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """How the witness ``name`` (in its own key) stands: ``size`` and moment of its last cosignature, what is wrong
    since when (``said`` has the details), and how often it refused. ``url`` is empty for one that is not asked
    over a network."""

    name: str
    url: str
    size: int | None
    cosigned: datetime | None
    problem: WitnessProblem | None
    said: str
    since: datetime | None
    refusals: int


@dataclass(frozen=True, slots=True)
class WitnessedCheckpoint:
    """The ``size`` of a checkpoint with a quorum, and since when it had that: as the witness says whose
    cosignature was the last that it took, or, of an earlier judgement, when that was made."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class WitnessesStatus:
    """The witnesses of the policy as it is now; the newest checkpoint that has its quorum (``size`` and moment,
    None without one), and since when a newer one waits for it. ``earlier`` is a newer one that met the quorum of
    an earlier policy, while that was in force."""

    demanded: bool
    witnesses: tuple[WitnessStanding, ...]
    size: int | None
    at: datetime | None
    waiting_since: datetime | None
    earlier: WitnessedCheckpoint | None = None
