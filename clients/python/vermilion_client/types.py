"""The values that the API gives and takes, as in its OpenAPI document.

Values with few possibilities, such as ``state``, are plain strings: a later release may have more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

ENDED: Final = frozenset({"completed", "declined", "recalled", "expired", "discarded", "voided"})
"""The states in which a contract stays, unless a completed one is declared void."""


@dataclass(frozen=True, slots=True)
class Self:
    """The client whose token this is. No ``kinds`` means contracts of all types; ``certificate`` is the SHA-256 of
    the one with which alone the token counts."""

    id: str
    name: str
    scopes: tuple[str, ...]
    organisations: tuple[str, ...]
    kinds: tuple[str, ...]
    token_expires: datetime
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Manager:
    """Whom somebody works under."""

    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, who starts contracts or signs."""

    subject: str
    name: str
    organisation: str
    email: str
    can_initiate: bool
    can_sign: bool
    department: str | None = None
    manager: Manager | None = None


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
    """The personal link of somebody from outside, and the address of a frame if that was asked for: nobody comes
    in by them from ``valid_until`` on."""

    url: str
    embedded_url: str | None
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Voiding:
    """An open proposal to declare a completed contract void: by whom (``proposed_by``, a subject), why, and who
    has ``declared`` it already."""

    proposed_by: str
    proposed: datetime
    reason: str
    declared: tuple[str, ...]


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
    voiding: Voiding | None = None


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


@dataclass(frozen=True, slots=True)
class Amendment:
    """An agreement that changes a completed contract from the day ``effective`` on. ``kind``: supplement,
    replacement or termination. The text is made of ``content``, or of ``settlement`` and ``surviving`` for a
    termination, unless a document is given; what is empty gets the usual words."""

    kind: str
    effective: date
    title: str = ""
    content: str = ""
    settlement: str = ""
    surviving: str = ""


@dataclass(frozen=True, slots=True)
class SealRequest:
    """Somebody (``requester``) asks for the use of a seal. ``state``: waiting, approved, used, refused, withdrawn
    or lapsed; ``needed`` custodians have to approve; ``answer``: why it was refused or lapsed."""

    id: str
    party: str
    seal: str
    requester: str
    reason: str
    state: str
    needed: int
    approved_by: tuple[str, ...]
    asked: datetime
    expires: datetime
    decided: datetime | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class SealUse:
    """A line of the register of seal uses. People are named; ``digest`` is what the seal signed."""

    request: str
    state: str
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
class PowerStep:
    """Who did something with a power, and when; ``reason`` where one was given."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Power:
    """A power of attorney: ``agent`` signs for ``grantor``, from ``since`` until before ``until``. ``state``:
    registered, verified (this alone counts), refused or revoked."""

    id: str
    basis: str
    grantor: str
    principal: str
    agent: str
    kinds: tuple[str, ...]
    counterparties: tuple[str, ...]
    limit: Amount | None
    seals: tuple[str, ...]
    since: datetime
    until: datetime
    replaces: bool
    contract: str | None
    digest: str
    state: str
    registered: PowerStep
    verified: PowerStep | None
    refused: PowerStep | None
    revoked: PowerStep | None
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NewPower:
    """What the letter of a power says. ``basis``: letter, contract or legal-representative; ``contract``: the
    completed contract that is the letter. ``agent`` by subject, ``initiator`` by subject or e-mail address."""

    initiator: str
    basis: str
    grantor: str
    principal: str
    agent: str
    since: datetime
    until: datetime
    kinds: tuple[str, ...] = ()
    counterparties: tuple[str, ...] = ()
    limit: Amount | None = None
    seals: tuple[str, ...] = ()
    replaces: bool = False
    contract: str = ""


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """Somebody compared a person with an identity document, whose last characters are ``ending``. ``good``:
    whether it holds now; ``entry``: its entry in the log."""

    id: str
    document: str
    ending: str
    against: str
    checked_by: str
    answers: str
    since: datetime
    until: datetime
    withdrawn: datetime | None
    good: bool
    entry: int | None


@dataclass(frozen=True, slots=True)
class PartyIdentity:
    """How the identity of the ``person`` who acts for a party was checked, the newest check first; the party's
    signature rests on the one with the id ``rests_on``."""

    person: str
    checks: tuple[IdentityCheck, ...]
    rests_on: str | None


@dataclass(frozen=True, slots=True)
class EventData:
    """What an event is about: a contract, a capture or a deposit. What does not apply is empty."""

    contract: str
    capture: str = ""
    deposit: str = ""
    state: str = ""
    party: str = ""
    seal: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class LogReference:
    """The entry of the log that proves an event: its number, the hash of its leaf (hex), and where its proof
    is."""

    entry: int
    leaf_hash: str
    proof: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``id`` is the same for ever; ``log.entry`` is the ``after`` from
    which everything later is read."""

    id: str
    type: str
    timestamp: datetime
    data: EventData
    log: LogReference


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """The verdict about one signature; *changes* is what came after it."""

    field: str | None
    indication: str
    subindication: str | None
    signer: str | None
    signing_time: str | None
    timestamp: str | None
    level: str | None
    coverage: str | None
    changes: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict about a file: *indication* is ``TOTAL-PASSED``, ``TOTAL-FAILED`` or ``INDETERMINATE``."""

    file: str
    kind: str
    indication: str
    subindication: str | None
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    signatures: tuple[VerifiedSignature, ...]
