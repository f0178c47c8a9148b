"""Mail merges: one template, a list of counterparties, a contract for each row. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.language import Language
from appliance.model.contract import GuestDetails
from appliance.signing_methods import SigningMethod
from hsm.errors import Sentence

LIST_ROLE: Final = "guest"
"""The role of whoever a row names, for a template without parties."""


@dataclass(frozen=True, slots=True)
class MergeEntry:
    """What a row says: the contract's title, who signs it for the other side, the accepted ``values`` of the
    template's fields by name, the ``amount`` in yuan (decimal; empty for none), the day of the ``deadline``
    (ISO 8601; empty for the usual one). ``others`` take the further open roles, in their order."""

    title: str
    guest: GuestDetails
    values: Mapping[str, str]
    amount: str = ""
    deadline: str = ""
    others: tuple[GuestDetails, ...] = ()

    @property
    def guests(self) -> tuple[GuestDetails, ...]:
        """Who takes the open roles, in their order."""
        return (self.guest, *self.others)


class MergeStage(StrEnum):
    """What was asked for last: nothing yet, drafts of all rows, or that the drafts are sent."""

    REVIEW = "review"
    MAKING = "making"
    SENDING = "sending"


class RowState(StrEnum):
    """``making``: the contract has its number, and may be there in part."""

    WAITING = "waiting"
    MAKING = "making"
    DRAFT = "draft"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class MergeRow:
    """``number`` is the row's in the list; ``contract`` the number of what is made of it; ``remark``: what is
    worth knowing before, ``refusal``: why it could not be made or sent, with the stable ``code`` of its kind;
    ``reference``: what the integrator calls it."""

    number: int
    entry: MergeEntry
    state: RowState = RowState.WAITING
    contract: str | None = None
    remark: Sentence | None = None
    refusal: Sentence | None = None
    code: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class MergeParties:
    """Who signs for our side on every contract: the ``owner`` in person, and a ``seal`` that they ask for."""

    signs: bool = True
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class MailMerge:
    """``owner`` (a subject) initiates the contracts; ``version`` of the ``template`` is the one that is filled.

    A batch has the ``client`` of the API that asked for it (an id), the ``digest`` (SHA-256, hex) of what was
    asked, and so many ``rejected`` rows that had faults and were left out.
    """

    id: str
    owner: str
    template: str
    version: int
    stage: MergeStage
    parties: MergeParties
    created: datetime
    client: str | None = None
    digest: str | None = None
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ListProblem:
    """What is wrong, or worth knowing, at ``row`` (its number) and ``column``: its heading, the path of a typed
    row's member (``parties/Buyer/email``), or empty for the row. ``cell``: such as ``C7``, in a spreadsheet."""

    row: int
    column: str
    cell: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class TypedParty:
    """Somebody who takes an open role, as a program names them; nothing is checked yet."""

    name: str = ""
    organisation: str = ""
    email: str = ""
    phone: str = ""
    language: Language | None = None
    method: SigningMethod | None = None


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row as a program gives it; nothing is checked yet. ``parties`` by open role (:data:`LIST_ROLE` for a
    template without parties); ``fields`` by name: texts, numbers, ``true`` and ``false``; ``amount`` in yuan;
    ``deadline`` a day (ISO 8601); ``reference`` is the program's own, once in each batch."""

    parties: Mapping[str, TypedParty]
    fields: Mapping[str, object] = field(default_factory=dict)
    title: str = ""
    amount: str = ""
    deadline: str = ""
    reference: str = ""


class FaultMode(StrEnum):
    """What becomes of a list with faults: nothing is kept, or the rows without fault are."""

    ALL_OR_NOTHING = "all-or-nothing"
    GOOD_ROWS = "good-rows"


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A batch as it is asked for: ``rows``, or a ``document`` with the list (XLSX, CSV). ``stage``: drafts, drafts
    that are sent, or neither yet. ``id``: 24 hexadecimal digits that the caller has chosen beforehand; asked for
    once more, the batch is found by it. ``language``: of the headings that faults name."""

    template: str
    rows: Sequence[TypedRow] = ()
    document: bytes = b""
    id: str | None = None
    stage: MergeStage = MergeStage.MAKING
    mode: FaultMode = FaultMode.ALL_OR_NOTHING
    parties: MergeParties = MergeParties()
    language: Language = Language.ENGLISH
