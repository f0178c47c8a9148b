"""The values of a contract: parties, revisions, deadlines, and the states that they go through. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ContractState(StrEnum):
    """Where a contract stands. Only ``SENT`` can be signed; the last four never change again."""

    DRAFT = "draft"
    SENT = "sent"
    SIGNED = "signed"
    """Every party has signed; sealing off to B-LTA is still to be done."""
    COMPLETED = "completed"
    DECLINED = "declined"
    RECALLED = "recalled"
    EXPIRED = "expired"


class SigningOrder(StrEnum):
    """Whether parties sign one after the other, by position, or whenever they like."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"


class PartyKind(StrEnum):
    """A person signs with the own key; a seal is a company's key that a custodian and a requester release."""

    PERSON = "person"
    SEAL = "seal"


class PartyState(StrEnum):
    """Nothing is between waiting and signed: a signature under way is an intent, not a party's state."""

    WAITING = "waiting"
    SIGNED = "signed"
    DECLINED = "declined"


class RevisionKind(StrEnum):
    """What the bytes that a revision appended are."""

    ORIGINAL = "original"
    FIELDS = "fields"
    SIGNATURE = "signature"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Placement:
    """A field's place: page from 0; the rest in percent of the page as seen, from its top left corner."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment for signing: an aware instant (kept in UTC) and the IANA zone in which it was agreed."""

    at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Party:
    """One who signs. ``subject`` names the key (``person-…`` or ``seal-…``); ``position`` counts from 1.

    ``field`` is the name of its signature field in the PDF. For a seal, ``requester`` is the person who asks for
    its use and answers for it together with a custodian.
    """

    id: str
    position: int
    kind: PartyKind
    subject: str
    name: str
    organisation: str
    requester: str | None
    field: str
    placement: Placement
    state: PartyState = PartyState.WAITING
    signed_at: datetime | None = None
    reason: str | None = None

    @property
    def responsible(self) -> str:
        """The subject of the person who acts: the signer, or the one who asks for the seal."""
        return self.requester or self.subject


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of the PDF. ``digest`` is the SHA-256 (hex) under which the blob store keeps its bytes."""

    number: int
    kind: RevisionKind
    digest: str
    size: int
    at: datetime
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract with its parties in signing order and its revisions, the last one being current."""

    id: str
    title: str
    kind: str
    purpose: str
    initiator: str
    order: SigningOrder
    deadline: Deadline
    state: ContractState
    created: datetime
    pages: int
    parties: tuple[Party, ...]
    revisions: tuple[Revision, ...]

    @property
    def original(self) -> Revision:
        """The bytes as they were given; an exact prefix of every later revision."""
        return self.revisions[0]

    @property
    def current(self) -> Revision:
        """The newest revision that is complete and verified."""
        return self.revisions[-1]

    def party(self, party_id: str) -> Party | None:
        """The party with this id, if it belongs to the contract."""
        return next((party for party in self.parties if party.id == party_id), None)
