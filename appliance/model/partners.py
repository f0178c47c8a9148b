"""Partner organisations: companies on the other side, known for more than one contract, and their representatives.
No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.accounts import AccountState
from appliance.model.contract import ContractState

CODE_SIGNS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""What a unified social credit code consists of: no I, O, S, V, Z (GB 32100-2015, 4.1)."""

_CODE = re.compile(rf"[{CODE_SIGNS}]{{2}}[0-9]{{6}}[{CODE_SIGNS}]{{10}}")
"""Registering department, kind of organisation, administrative division (six digits), subject (nine), check."""


def credit_code_check(first: str) -> str:
    """The check character of a unified social credit code (统一社会信用代码) after its *first* 17 characters:
    weights 3^(i-1) mod 31, ISO 7064 MOD 31,3 (GB 32100-2015, annex A)."""
    total = sum(CODE_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(first))
    return CODE_SIGNS[-total % 31]


def credit_code(typed: str) -> str:
    """*typed* as it is kept, in capitals without blanks. Raises :class:`PreconditionRefused` for what is none."""
    code = "".join(typed.split()).replace("-", "").upper()
    if not _CODE.fullmatch(code):
        raise PreconditionRefused(
            "A unified social credit code has 18 digits and capital letters, without I, O, S, V and Z; compare it"
            " with the business licence."
        )
    if credit_code_check(code[:17]) != code[17]:
        raise PreconditionRefused(
            "The check digit of this unified social credit code is wrong; compare it with the business licence."
        )
    return code


class VouchingMeans(StrEnum):
    """By what somebody of the house made sure that an organisation is what it says. Values are stable names."""

    LICENCE = "licence"
    """The business licence (营业执照) was looked at."""
    REGISTER = "register"
    """The public register (国家企业信用信息公示系统 in China) was asked."""
    KNOWN = "known"
    """Known from business so far."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PartnerVouching:
    """``by`` vouched at ``at`` for a partner by these ``means``; ``note`` is internal to the voucher's house."""

    by: str
    at: datetime
    means: VouchingMeans
    note: str = ""


@dataclass(frozen=True, slots=True)
class PartnerDetails:
    """What is known of an organisation. ``code`` is its 统一社会信用代码, ``registration`` its number in another
    country's register; at least one of them is there. ``contact``, ``email`` and ``phone`` may be empty."""

    name: str
    code: str | None = None
    registration: str | None = None
    address: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner organisation; ``vouchings`` the oldest first."""

    id: str
    details: PartnerDetails
    registered: datetime
    registered_by: str
    vouchings: tuple[PartnerVouching, ...] = ()

    @property
    def name(self) -> str:
        """The organisation as contracts and certificates write it."""
        return self.details.name


class PartnerDocumentKind(StrEnum):
    """What a document about a partner is."""

    LICENCE = "licence"
    REGISTER = "register"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PartnerDocument:
    """A file about a partner, kept as it came: ``media`` is its type, ``digest`` its SHA-256 (hex)."""

    id: str
    partner: str
    kind: PartnerDocumentKind
    media: str
    digest: str
    size: int
    added: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class RepresentativeDetails:
    """Whom one invites; ``language`` and ``zone`` are those of mails and pages until they choose others."""

    name: str
    email: str
    phone: str = ""
    language: Language | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Representative:
    """Somebody who acts for a partner, with the state of the account; ``enrolled``: officers have confirmed them,
    so they can sign; ``waiting``: what they set up waits for an officer."""

    subject: str
    partner: str
    organisation: str
    name: str
    email: str
    phone: str
    administrator: bool
    state: AccountState
    enrolled: bool
    waiting: bool
    invited: datetime
    invited_by: str


@dataclass(frozen=True, slots=True)
class ListedPartner:
    """A row of the list: ``representatives`` are those who have not left."""

    id: str
    name: str
    code: str | None
    registration: str | None
    contact: str
    administrator: str | None
    representatives: int


@dataclass(frozen=True, slots=True)
class PartnerContract:
    """A contract that was sent, in which somebody acts for a partner."""

    id: str
    title: str
    state: ContractState
    deadline: datetime
    touched: datetime
