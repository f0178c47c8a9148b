"""A request for the use of a company seal (用印申请): asked by one person, answered by a custodian."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SealRequestState(StrEnum):
    """``waiting`` (for a custodian) → ``approved`` (the signature is being made) → ``used``.

    ``refused`` by a custodian, ``withdrawn`` by the one who asked, ``lapsed`` when the document changed, time ran
    out or the contract ended. The last four never change again.
    """

    WAITING = "waiting"
    APPROVED = "approved"
    USED = "used"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class SealRequest:
    """One request. ``intent`` is what all activate; ``reason`` says what the seal is wanted for.
    ``needed`` custodians must approve it; ``approved_by`` have, in that order.

    ``answer`` is the custodian's reason of a refusal, or why the request lapsed.
    """

    id: str
    contract: str
    party: str
    seal: str
    requester: str
    reason: str
    intent: str
    state: SealRequestState
    asked: datetime
    expires: datetime
    decided: datetime | None = None
    decided_by: str | None = None
    answer: str | None = None
    needed: int = 1
    approved_by: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether something is still to come."""
        return self.state in (SealRequestState.WAITING, SealRequestState.APPROVED)
