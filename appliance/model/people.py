"""People and company seals: their names, how identity was checked, how signatures look; requests for the use of a
seal (用印申请), and the register of its uses (用印登记). No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from appliance.language import Language
from appliance.model.contract import AgreementSide
from hsm.names import is_outside_seal


class SealKind(StrEnum):
    """The kinds of company seal; the value's Chinese name is written below the star."""

    COMPANY = "公章"
    CONTRACT = "合同专用章"
    LEGAL_REPRESENTATIVE = "法定代表人章"
    FINANCE = "财务专用章"
    PERSONNEL = "人事专用章"
    INVOICE = "发票专用章"
    DEPARTMENT = "部门章"
    BRANCH = "分公司章"

    @property
    def has_unit(self) -> bool:
        """Whether it is a department's or a branch's, which it names."""
        return self in (SealKind.DEPARTMENT, SealKind.BRANCH)

    def called(self, unit: str) -> str:
        """What a seal of this kind is called behind its organisation: 采购部部门章, 上海分公司章."""
        return f"{unit.removesuffix('分公司') if self is SealKind.BRANCH else unit}{self.value}"


@dataclass(frozen=True, slots=True)
class Person:
    """A known person. ``subject`` (``person-…``) is the name of the key in the authority, once there is one.

    ``officer-…``, ``auditor-…`` and ``operator-…`` never have one. ``guest``: somebody from outside, invited to
    one contract, or a representative of the partner organisation whose id ``partner`` is, with an account.
    ``certified``: officers have confirmed who this is, and of which organisation. ``department`` and
    ``manager_name``, empty for none, are as the directory or officers say now, and tell people of one name apart.
    """

    subject: str
    name: str
    organisation: str
    email: str
    language: Language
    zone: str
    guest: bool = False
    partner: str | None = None
    certified: bool = field(default=False, compare=False)
    department: str = field(default="", compare=False)
    manager_name: str | None = field(default=None, compare=False)

    @property
    def side(self) -> AgreementSide:
        return AgreementSide.of(self.subject, self.name, self.organisation)


@dataclass(frozen=True, slots=True)
class Absence:
    """*person* is away for ``since`` ≤ t < ``until`` (aware); *deputy*, of the same organisation, is told what
    waits and may take it over. ``saved`` is when it was entered."""

    person: str
    deputy: str
    since: datetime
    until: datetime
    saved: datetime


@dataclass(frozen=True, slots=True)
class Seal:
    """A company seal: ``custodians`` are the people (subjects) who may release it, ``needed`` of them together;
    ``width_mm`` as printed; ``picture`` is the SHA-256 of an uploaded picture in use, None for the drawn one.
    ``number`` counts from 1 the organisation's seals of this kind, in the order in which they were made. ``unit``
    is the department or branch whose seal it is, empty for the kinds that are nobody's."""

    subject: str
    organisation: str
    kind: SealKind
    custodians: tuple[str, ...]
    width_mm: float
    suspended: datetime | None = None
    needed: int = 1
    picture: str | None = None
    destroyed: datetime | None = None
    number: int = 1
    unit: str = ""

    @property
    def outside(self) -> bool:
        """Whether it is another company's: outside signers of that company keep it."""
        return is_outside_seal(self.subject)

    def counts_as_custodian(self, requester: str) -> bool:
        """Whether *requester*, who asks for the seal, is one of the custodians whose approval it takes: of another
        company's seal whoever keeps it, of the house's nobody (decision 58)."""
        return self.outside and requester in self.custodians

    @property
    def label(self) -> str:
        """How the seal is called in lists and contracts: organisation and kind, and its number from the second
        one on, as companies number their seals."""
        number = f"（{self.number}）" if self.number > 1 else ""
        return f"{self.organisation} {self.kind.called(self.unit)}{number}"


LONGEST_DEPARTMENT = 40
"""Characters of a department."""

MOST_PICTURES = 6
"""How many one person keeps; the table says so too."""


class PictureKind(StrEnum):
    """Where a signature picture comes from."""

    DRAWN = "drawn"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class SignaturePicture:
    """A picture that a person keeps; the PNG itself is asked for when it is needed."""

    id: str
    kind: PictureKind
    made: datetime


@dataclass(frozen=True, slots=True)
class SignatureChoice:
    """What a person may sign with: the pictures kept, the newest first, and the one in use (None: typed name)."""

    pictures: tuple[SignaturePicture, ...]
    chosen: str | None

    @property
    def full(self) -> bool:
        """Whether one has to go before another can come."""
        return len(self.pictures) >= MOST_PICTURES


class IdentityDocument(StrEnum):
    """The document that was looked at; the values are stable names."""

    ID_CARD = "id-card"
    """居民身份证"""
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel-permit"
    """港澳居民来往内地通行证, 台湾居民来往大陆通行证"""
    RESIDENCE_PERMIT = "residence-permit"
    """外国人永久居留身份证"""
    OTHER = "other"


class Against(StrEnum):
    """How the document was compared with the person."""

    ORIGINAL = "original"
    """The original, in the person's presence."""
    VIDEO = "video"
    COPY = "copy"
    REGISTER = "register"
    """A public register was asked about it."""


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One check. ``commitment`` is the SHA-256 (hex) of the salted document number, which is kept nowhere;
    ``ending`` are its last characters. Good for ``since`` ≤ t < ``until``.

    ``checked_by`` checked it; ``answers`` is who answers for it (for somebody from outside, a person of the
    enterprise). ``renews`` names the record that this one follows. ``entry`` is its place in the log.
    """

    id: str
    person: str
    document: IdentityDocument
    commitment: str
    ending: str
    against: Against
    note: str
    checked_by: str
    answers: str
    since: datetime
    until: datetime
    renews: str | None = None
    entry: int | None = None
    withdrawn: datetime | None = None
    withdrawn_by: str | None = None
    reason: str | None = None

    def good(self, now: datetime) -> bool:
        """Whether it stands at *now*: begun, not run out, not withdrawn."""
        return self.since <= now < self.until and (self.withdrawn is None or now < self.withdrawn)


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
        """Who may answer: the custodians of *seal*, never the one who asks, who has said yes by asking where that
        counts (:meth:`Seal.counts_as_custodian`)."""
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
