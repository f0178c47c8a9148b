"""The values of the contract ledger: its columns, orders and filter, and saved views. No I/O."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from appliance.errors import PreconditionRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import ContractState


class LedgerColumn(StrEnum):
    """What the ledger can show of a contract, in the order of its columns."""

    NUMBER = "number"
    TITLE = "title"
    KIND = "kind"
    COUNTERPARTIES = "counterparties"
    OURS = "ours"
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATE = "state"
    PROGRESS = "progress"
    INITIATOR = "initiator"
    DEPARTMENT = "department"
    """The drafting organisation's own, as the three dates of the contract are."""
    CREATED = "created"
    SENT = "sent"
    DEADLINE = "deadline"
    COMPLETED = "completed"
    EFFECTIVE = "effective"
    RENEWAL = "renewal"
    EXPIRY = "expiry"


class LedgerOrder(StrEnum):
    """By what the ledger is sorted."""

    CREATED = "created"
    NUMBER = "number"
    AMOUNT = "amount"
    SENT = "sent"
    DEADLINE = "deadline"
    COMPLETED = "completed"


class LedgerDate(StrEnum):
    """To which date of a contract the days of a filter refer."""

    CREATED = "created"
    SENT = "sent"
    DEADLINE = "deadline"
    COMPLETED = "completed"
    EFFECTIVE = "effective"
    RENEWAL = "renewal"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which contracts the ledger shows, and in which order; what is not given does not restrict.

    ``text`` is part of title, type, number or any party's name, ``party`` of a party's name, ``number`` begins
    the number. ``least`` and ``most`` are in whole units. ``since`` and ``until`` are days of ``dated``, both
    included; ``due`` leaves what is to be signed, begins, is to be renewed or ends within so many days. ``after``
    is the ``next`` of the page before.
    """

    text: str = ""
    number: str = ""
    party: str = ""
    department: str = ""
    kind: str = ""
    state: ContractState | None = None
    currency: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    dated: LedgerDate = LedgerDate.CREATED
    since: date | None = None
    until: date | None = None
    due: int | None = None
    order: LedgerOrder = LedgerOrder.CREATED
    ascending: bool = False
    after: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerCursor:
    """The last row of a page: what it is sorted by (as stored), and the contract's count."""

    key: str | float
    number: int

    def __str__(self) -> str:
        encoded = json.dumps([self.key, self.number], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(encoded).decode().rstrip("=")

    @classmethod
    def of(cls, text: str, *, amount: bool) -> LedgerCursor:
        """The place that *text* names, of a page sorted by *amount* or by text. Raises
        :class:`PreconditionRefused` for text that names none."""
        kind = float if amount else str
        try:
            key, number = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
            str(key).encode()
            key = float(key) if amount and type(key) is int else key
        except (ValueError, TypeError, OverflowError, binascii.Error):
            key = number = None
        if not isinstance(key, kind) or type(number) is not int or not 0 <= number < 2**62:
            raise PreconditionRefused("This page of the list does not exist; begin with the first.")
        return cls(key, number)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """A filter with its columns that somebody has saved: ``query`` is that of the ledger's address.

    ``department``: with which one it is shared, None for nobody; ``role``: with those of one role there, None for
    all of it. Who uses it sees what they may see, and no more. ``by`` is the owner's name.
    """

    id: int
    owner: str
    by: str
    name: str
    query: str
    department: str | None
    role: AccountRole | None
    made: datetime
