"""The values of a contract: parties, revisions, deadlines, and the states that they go through. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from appliance.errors import NotFound
from appliance.language import Language, instants
from appliance.signing_methods import SigningMethod
from hsm.names import OUTSIDE, is_from_outside, visible

GUEST_PREFIX = OUTSIDE
"""How the subjects of people from outside begin, here and at the authority."""


class ContractState(StrEnum):
    """Where a contract stands. Only ``SENT`` can be signed; the last five never change again."""

    DRAFT = "draft"
    SENT = "sent"
    SIGNED = "signed"
    """Every party has signed; sealing off to B-LTA is still to be done."""
    COMPLETED = "completed"
    """Sealed off. All parties together may still declare it void."""
    DECLINED = "declined"
    RECALLED = "recalled"
    EXPIRED = "expired"
    DISCARDED = "discarded"
    """A draft that its initiator threw away."""
    VOIDED = "voided"
    """Completed, then voided by signed declarations of all parties."""


UNSENT = frozenset({ContractState.DRAFT, ContractState.DISCARDED})
"""States in which nobody but the organisation that drafts a contract has seen it."""


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
    """A box on a page: page from 0; the rest in percent of the page as seen, from its top left corner."""

    page: int
    x: float
    y: float
    width: float
    height: float

    def shared_with(self, other: Placement) -> float:
        """The area that both cover, 0 on different pages."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return wide * high if self.page == other.page and wide > 0 and high > 0 else 0.0


@dataclass(frozen=True, slots=True)
class CrossPage:
    """A seal split over the edges of all pages (骑缝章); ``y`` is its upper edge in percent of the page."""

    y: float
    edge: str = "right"


@dataclass(frozen=True, slots=True)
class GuestDetails:
    """Somebody from outside, without an account: told by e-mail, let in by a code that goes over ``phone``.

    ``language`` and ``zone`` (IANA) are those of mails and pages until the guest chooses others; those of whoever
    invites where nothing is said. ``method`` is how they are to sign; None for the first that policy allows.
    """

    name: str
    organisation: str
    email: str
    phone: str = ""
    language: Language | None = None
    zone: str = ""
    method: SigningMethod | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment for signing: an aware instant (kept in UTC) and the IANA zone in which it was agreed."""

    at: datetime
    zone: str

    def local(self) -> str:
        """As read in its own zone, to the minute, with the offset: ``2026-11-28 18:00 UTC+08:00``."""
        return instants.minute(self.at, self.zone)


@dataclass(frozen=True, slots=True, order=True)
class AgreementSide:
    """One of those between whom contracts are made: an organisation, by the name that contracts write, or a
    natural person who signs for none, by the ``subject``, which is empty for an organisation."""

    name: str
    subject: str = ""

    @classmethod
    def of(cls, subject: str, name: str, organisation: str) -> AgreementSide:
        """The *organisation* that somebody signs for; the signer, where that is none."""
        organisation = organisation.strip()
        return cls(organisation) if organisation else cls(name, subject)

    @property
    def key(self) -> str:
        """By what one side is told from another: another spelling is another side, and is asked again."""
        return self.subject or f"organisation:{self.name}"

    def fields(self) -> dict[str, str]:
        """As the record of an acceptance names it."""
        if self.subject:
            return {"kind": "person", "name": self.name, "subject": self.subject}
        return {"kind": "organisation", "name": self.name}


class InputKind(StrEnum):
    """What a signer fills in."""

    TEXT = "text"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class SignerInput:
    """A field that one signer fills in before signing, under the sender's ``label``; each of its ``places`` shows
    the same.

    ``number`` counts the fields of the party from 1, and is part of their names in the PDF. ``most`` characters of
    a text; ``choices`` of a choice. ``value`` is what was filled in, in one line as it is shown; empty while
    nothing is.
    """

    id: str
    number: int
    kind: InputKind
    label: str
    required: bool = True
    most: int = 0
    choices: tuple[str, ...] = ()
    places: tuple[Placement, ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """One who signs. ``subject`` names the key (``person-…`` or ``seal-…``); ``position`` counts from 1.

    ``field`` is the name of its signature field in the PDF. For a seal, ``requester`` is the person who asks for
    its use and answers for it, together with a custodian or as one. ``placement`` is None while nobody has placed
    the field of a draft; ``more`` are further places that show the same signature, ``cross_page`` a seal's slices
    on the edges of all pages. ``phone`` is a guest's. ``method``: how a person or a seal from outside signs; None
    for all others. ``partner`` is the id of the partner organisation for which a representative of it acts.
    ``inputs`` are what the signer fills in.
    """

    id: str
    position: int
    kind: PartyKind
    subject: str
    name: str
    organisation: str
    requester: str | None
    field: str
    placement: Placement | None
    state: PartyState = PartyState.WAITING
    signed_at: datetime | None = None
    reason: str | None = None
    more: tuple[Placement, ...] = ()
    cross_page: CrossPage | None = None
    phone: str | None = None
    method: SigningMethod | None = None
    partner: str | None = None
    inputs: tuple[SignerInput, ...] = ()

    @property
    def unfilled(self) -> tuple[SignerInput, ...]:
        """What has to be filled in, and is not."""
        return tuple(each for each in self.inputs if each.required and not each.value)

    @property
    def filled(self) -> tuple[tuple[str, str], ...]:
        """Label and value of what was filled in, as an intent has them."""
        return tuple((visible(each.label), each.value) for each in self.inputs if each.value)

    @property
    def outside(self) -> bool:
        """True for an outside signer, and for the seal of such a person's company."""
        return is_from_outside(self.subject)

    @property
    def places(self) -> tuple[Placement, ...]:
        """Every place of the field, the first one first; empty while nobody has placed it."""
        return () if self.placement is None else (self.placement, *self.more)

    @property
    def guest(self) -> bool:
        """True for somebody from outside, who has no account."""
        return self.subject.startswith(GUEST_PREFIX) and self.partner is None

    @property
    def responsible(self) -> str:
        """The subject of the person who acts: the signer, or the one who asks for the seal."""
        return self.requester or self.subject

    @property
    def side(self) -> AgreementSide:
        return AgreementSide.of(self.subject, self.name, self.organisation)


@dataclass(frozen=True, slots=True)
class ContractRevision:
    """One state of the PDF. ``digest`` is the SHA-256 (hex) under which the blob store keeps its bytes."""

    number: int
    kind: RevisionKind
    digest: str
    size: int
    at: datetime
    party: str | None = None


class AmendmentKind(StrEnum):
    """What an agreement does to an earlier contract; the last one in force that does most tells how it stands."""

    SUPPLEMENT = "supplement"
    REPLACEMENT = "replacement"
    TERMINATION = "termination"

    @property
    def ends(self) -> bool:
        """Whether the earlier contract is over by it."""
        return self is not AmendmentKind.SUPPLEMENT


@dataclass(frozen=True, slots=True)
class Amendment:
    """``contract``, an agreement in ``state``, and ``completed`` then, changes the ``earlier`` contract from the
    day ``effective`` on."""

    contract: str
    earlier: str
    kind: AmendmentKind
    effective: date
    state: ContractState = ContractState.DRAFT
    completed: datetime | None = None

    @property
    def in_force(self) -> bool:
        """Whether it counts: everybody has signed, and it is not void."""
        return self.state is ContractState.COMPLETED


@dataclass(frozen=True, slots=True)
class OpenVoiding:
    """A proposal to void a completed contract, not yet signed by everybody; ``declared`` are who has signed it."""

    id: str
    by: str
    reason: str
    at: datetime
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract with its parties in signing order and its revisions, the last one being current.

    ``version`` counts every change: who decides on what a page showed names the version that it showed.
    ``former`` are the people who handed their part over to somebody else, ``copied`` those who get a copy,
    ``colleagues`` those with whom the draft was shared.
    ``amount`` is what the contract is worth, where it names one; ``disposed`` is when its documents and names were
    removed for good.
    ``language`` is that in which signatures are worded on the document. ``number`` is the organisation's own,
    empty while there is none; ``number_entered`` when the initiator entered it. ``department`` is the initiator's
    when it was drafted, internal to the organisation. ``api_client`` is the id of the API client that drafted it
    in the initiator's name, None for what a person drafted.
    """

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
    revisions: tuple[ContractRevision, ...]
    version: int = 1
    former: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    colleagues: tuple[str, ...] = ()
    voiding: OpenVoiding | None = None
    amount: Money | None = None
    disposed: datetime | None = None
    language: Language = Language.CHINESE
    number: str = ""
    number_entered: bool = False
    department: str = ""
    api_client: str | None = None

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations that the parties are of, each once, in the order of signing."""
        return tuple(dict.fromkeys(party.organisation for party in self.parties if party.organisation))

    @property
    def party_names(self) -> tuple[str, ...]:
        """The parties' organisations, and people who sign for none, each once, in the order of signing."""
        return tuple(dict.fromkeys(party.organisation or party.name for party in self.parties))

    @property
    def visible_party_names(self) -> tuple[str, ...]:
        """The same as an intent has them (:func:`hsm.names.visible`)."""
        return tuple(dict.fromkeys(filter(None, map(visible, self.party_names))))

    def counterparties(self, own: Party) -> tuple[str, ...]:
        """The other side, seen from the party *own*: the parties' other organisations, and who signs for none.

        People of the house, and outside signers and their company's seal, are never on the same side, whatever
        they are called.
        """
        side = own.outside, own.organisation
        others = [each for each in self.parties if (each.outside, each.organisation) != side]
        return tuple(dict.fromkeys(each.organisation or each.name for each in others))

    @property
    def original(self) -> ContractRevision:
        """The bytes as they were given; an exact prefix of every later revision."""
        return self.revisions[0]

    @property
    def current(self) -> ContractRevision:
        """The newest revision that is complete and verified."""
        return self.revisions[-1]

    def is_overdue(self, now: datetime) -> bool:
        """True from the deadline's instant on, while it still waits for signatures."""
        return self.state is ContractState.SENT and now >= self.deadline.at

    def party(self, party_id: str) -> Party | None:
        """The party with this id, if it belongs to the contract."""
        return next((party for party in self.parties if party.id == party_id), None)

    def require_party(self, party_id: str) -> Party:
        """The party with this id. Raises :class:`NotFound`."""
        party = self.party(party_id)
        if party is None:
            raise NotFound("Contract “{title}” has no party {party}.", title=self.title, party=party_id)
        return party

    def other_sides(self, own: Party) -> tuple[AgreementSide, ...]:
        """Every side but that of *own*, each once, in the order of signing."""
        known = {party.side.key: party.side for party in self.parties}
        return tuple(side for key, side in known.items() if key != own.side.key)

    @property
    def waiting(self) -> tuple[Party, ...]:
        """The parties that have not answered, in signing order."""
        return tuple(party for party in self.parties if party.state is PartyState.WAITING)

    @property
    def on_turn(self) -> tuple[Party, ...]:
        """The parties that may sign now; empty unless the contract is sent.

        The initiator signs first, in parallel order too: nobody else is on turn before.
        """
        if self.state is not ContractState.SENT:
            return ()
        first = tuple(party for party in self.waiting if party.subject == self.initiator)
        return self.waiting[:1] if self.order is SigningOrder.SEQUENTIAL else first or self.waiting

    @property
    def signatories(self) -> tuple[str, ...]:
        """The people (subjects) who act for the parties, each once."""
        return tuple(dict.fromkeys(party.responsible for party in self.parties))

    @property
    def everybody(self) -> tuple[str, ...]:
        """The people (subjects) who act in the contract, each once: the initiator, and who acts for each party."""
        return tuple(dict.fromkeys([self.initiator, *self.signatories]))

    def seal_after(self, party: Party) -> Party | None:
        """The seal for which whoever signs as *party* can ask as soon as that is signed; None for no such seal."""
        after = replace(
            self,
            parties=tuple(
                replace(each, state=PartyState.SIGNED) if each.id == party.id else each for each in self.parties
            ),
        )
        own = (each for each in after.on_turn if each.requester == party.responsible)
        return next(own, None) if party.kind is PartyKind.PERSON else None

    def is_last(self, party: Party) -> bool:
        """True when *party* is the only one left: its signature locks every field."""
        return self.waiting == (party,)

    def state_after(self, party: Party) -> ContractState:
        """The contract's state once *party* has signed."""
        return ContractState.SIGNED if self.is_last(party) else ContractState.SENT


EXPONENTS: Final[Mapping[str, int]] = {
    "CNY": 2, "USD": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0, "MOP": 2, "TWD": 2, "KRW": 0, "SGD": 2, "MYR": 2,
    "THB": 2, "VND": 0, "IDR": 2, "PHP": 2, "INR": 2, "AUD": 2, "NZD": 2, "CAD": 2, "CHF": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "CZK": 2, "HUF": 2, "RUB": 2, "TRY": 2, "ZAR": 2, "BRL": 2, "MXN": 2, "AED": 2, "SAR": 2,
    "ILS": 2, "KWD": 3, "BHD": 3, "CLP": 0,
}  # fmt: skip
"""Currencies that a contract can name, with the decimals of their smallest unit (ISO 4217, list one)."""

LARGEST: Final = 10**17
"""In smallest units; less than the database's integers hold."""


@dataclass(frozen=True, slots=True)
class Money:
    """``minor`` is in the smallest unit, from 0 (100 yuan: 10000); ``currency`` a code of :data:`EXPONENTS`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Raises ValueError for a currency that is not known, and for an amount out of range."""
        if self.currency not in EXPONENTS or not 0 <= self.minor < LARGEST:
            raise ValueError(f"no amount of money: {self.minor} {self.currency}")

    @property
    def units(self) -> Decimal:
        """The amount in whole units with the currency's decimals: ``Decimal("100.00")``."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def __str__(self) -> str:
        """``CNY 1,000,000.00``."""
        return f"{self.currency} {self.units:,}"
