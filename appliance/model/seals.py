"""Requests for the use of a company seal (用印申请), and the register of its uses (用印登记)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from appliance.model.people import Seal


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

    def asked_of(self, seal: Seal) -> tuple[str, ...]:
        """Who may answer: the custodians of *seal*, never the one who asks."""
        return tuple(each for each in seal.custodians if each != self.requester)

    def still_asked(self, seal: Seal) -> tuple[str, ...]:
        """The custodians for whom it waits: those who have not approved it."""
        return tuple(each for each in self.asked_of(seal) if each not in self.approved_by)


@dataclass(frozen=True, slots=True)
class SealUse:
    """One line. ``number`` orders the register; ``digest`` is the SHA-256 (hex) that all activated and the seal
    signed; ``pages`` of the document, ``places`` of the seal on it, ``crossing``: also on the edges of all pages.

    People are named; ``custodians`` are those who approved.
    """

    number: int
    request: str
    state: SealRequestState
    seal: str
    seal_name: str
    contract: str
    title: str
    reason: str
    requester: str
    custodians: tuple[str, ...]
    needed: int
    asked: datetime
    decided: datetime | None
    digest: str
    pages: int
    places: int
    crossing: bool


@dataclass(frozen=True, slots=True)
class UseFilter:
    """Which lines: of these ``seals`` (None: every one), in this ``state``, asked from ``since`` to ``until``.

    Both are dates in UTC, and included; ``words`` stand in the contract's title or are its number.
    """

    seals: tuple[str, ...] | None = None
    state: SealRequestState | None = None
    since: date | None = None
    until: date | None = None
    words: str = ""
