"""The values of the lists of contracts: which bucket, which filter, which rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from appliance.model.contract import AmendmentKind, Contract, ContractState, Money, PartyState

EVERYTHING = "*"
"""Stands for the person who may see every contract: an auditor."""


class ContractBucket(StrEnum):
    """What a contract is to somebody: the four heads of the home page, and drafts."""

    DRAFT = "draft"
    TO_SIGN = "to-sign"
    """It is this person's turn, to sign or to declare it void."""
    WAITING = "waiting"
    """It waits for others."""
    DONE = "done"
    ENDED = "ended"
    """Declined, recalled, expired or voided."""
    DUE_SOON = "due-soon"
    """Open, with a deadline in less than 72 hours: to sign or waiting too. Only asked for, never stored."""


@dataclass(frozen=True, slots=True)
class ListViewer:
    """Whose list it is: that of ``person``, or of :data:`EVERYTHING`. Of what was never sent, who sees everything
    sees only what ``organisations`` drafted, as the register spells them."""

    person: str
    organisations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchWords:
    """What a text search finds a contract by."""

    title: str
    parties: str


@dataclass(frozen=True, slots=True)
class BucketCounts:
    """How many contracts somebody has in each bucket, at most :data:`MOST` each."""

    draft: int
    to_sign: int
    waiting: int
    due_soon: int
    done: int
    ended: int


MOST = 1000
"""Where counting stops: a page shows more as “1000+”."""


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """What to list; what is not given does not restrict.

    ``party`` is part of a party's name or organisation, ``query`` of the title or any party's; ``since`` and
    ``until`` are UTC days of the last change, both included; ``after`` is the ``next`` of the page before.
    """

    bucket: ContractBucket | None = None
    kind: str | None = None
    party: str | None = None
    since: date | None = None
    until: date | None = None
    query: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ListCursor:
    """The last row of a page: the instant that it is ordered by (as stored, empty in a search), its number."""

    at: str
    number: int

    def __str__(self) -> str:
        return f"{self.at}~{self.number}"


@dataclass(frozen=True, slots=True)
class ListedParty:
    """A party in a list, by the ``subject`` whose key signs; ``on_turn`` when it is the one to sign now."""

    name: str
    organisation: str
    state: PartyState
    on_turn: bool
    subject: str


@dataclass(frozen=True, slots=True)
class ListedContract:
    """One row: the contract's outlines, in which bucket it is for the one who looks, and what agreements in force
    have made of it, if any (``amended``).

    ``number`` is the organisation's own, ``initiator`` a name. ``department`` and ``days`` (when the contract
    takes effect, is to be renewed, ends; by the names of the occasions) are empty for other organisations than the
    one that drafted it.
    """

    id: str
    title: str
    kind: str
    state: ContractState
    bucket: ContractBucket
    deadline: datetime
    zone: str
    touched: datetime
    parties: tuple[ListedParty, ...]
    amended: AmendmentKind | None
    number: str
    initiator: str
    department: str
    created: datetime
    sent: datetime | None
    completed: datetime | None
    amount: Money | None
    days: Mapping[str, date]

    @property
    def signed(self) -> int:
        """How many parties have signed."""
        return sum(party.state is PartyState.SIGNED for party in self.parties)


@dataclass(frozen=True, slots=True)
class ContractPage:
    """Some rows, and where the next page begins: None after the last.

    A search looks at a bounded number of contracts: a page may have few rows, or none, and a ``next``.
    """

    rows: tuple[ListedContract, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which contracts a client of the API asks for; ``kind`` is empty for all types, ``changed_since`` an aware
    instant."""

    state: ContractState | None = None
    kind: str = ""
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientContract:
    """A contract as a client of the API sees it, and when it ``changed`` last."""

    contract: Contract
    changed: datetime


@dataclass(frozen=True, slots=True)
class ClientPage:
    """Some of the contracts, and where the next page begins; None behind the last."""

    contracts: tuple[ClientContract, ...]
    next: str | None
