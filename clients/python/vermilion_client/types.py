"""The values that the API gives and takes, as in its OpenAPI document.

Values with few possibilities, such as ``state``, are plain strings: a later release may have more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

ENDED: Final = frozenset({"completed", "declined", "recalled", "expired", "discarded", "voided"})
"""The states in which a contract stays, unless a completed one is declared void."""


@dataclass(frozen=True, slots=True)
class Self:
    """The client whose token this is. No ``kinds`` means contracts of all types."""

    id: str
    name: str
    scopes: tuple[str, ...]
    organisations: tuple[str, ...]
    kinds: tuple[str, ...]
    token_expires: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, who starts contracts or signs."""

    subject: str
    name: str
    organisation: str
    email: str
    can_initiate: bool
    can_sign: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment for signing, and the zone (IANA) in which it was agreed."""

    at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Amount:
    """What a contract is worth: ``value`` in figures, such as ``1000000.00``; ``currency`` by ISO 4217."""

    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class Place:
    """A box on a page, which is counted from 1: its upper left corner and its size, in percent of the page as
    seen."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Initiator:
    """The person in whose name the contract was made."""

    subject: str
    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Document:
    """The PDF as it is now. ``revision`` 0 is the document as it was given; ``digest`` is SHA-256 in hex, ``size``
    in bytes."""

    revision: int
    digest: str
    size: int
    pages: int


@dataclass(frozen=True, slots=True)
class Party:
    """One who signs. ``kind``: person, seal or outside; ``state``: waiting, signed or declined; ``requester``: who
    asks for the use of a seal; ``method``: how an outside signer signs; ``reason``: why the party declined."""

    id: str
    kind: str
    position: int
    subject: str
    requester: str | None
    name: str
    organisation: str
    method: str | None
    state: str
    on_turn: bool
    signed_at: datetime | None
    reason: str | None
    places: tuple[Place, ...]
    cross_page_y: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """The personal link of somebody from outside: nobody comes in by it from ``valid_until`` on."""

    url: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as it was when it was read; ``version`` counts every change."""

    id: str
    number: str
    title: str
    kind: str
    purpose: str
    state: str
    order: str
    language: str
    initiator: Initiator
    deadline: Deadline
    amount: Amount | None
    created: datetime
    changed: datetime
    version: int
    document: Document
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a draft says besides its document; ``initiator`` by subject or e-mail address. None and an empty text
    leave the choice to the appliance."""

    title: str
    initiator: str
    kind: str = ""
    purpose: str = ""
    order: str = "sequential"
    deadline: Deadline | None = None
    amount: Amount | None = None
    language: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person with an account, by subject."""

    person: str


@dataclass(frozen=True, slots=True)
class NewSeal:
    """A company seal, by subject, and the subject of the person who asks for its use."""

    seal: str
    requester: str


@dataclass(frozen=True, slots=True)
class NewOutside:
    """Somebody from outside, for one contract: told by e-mail, let in by a code that goes over the telephone."""

    name: str
    email: str
    organisation: str = ""
    phone: str = ""
    language: str | None = None
    zone: str | None = None
    method: str | None = None


NewParty = NewPerson | NewSeal | NewOutside
