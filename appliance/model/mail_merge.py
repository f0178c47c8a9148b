"""Mail merges: one template, a list of counterparties, a contract for each row. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.contract import GuestDetails
from hsm.errors import Sentence


@dataclass(frozen=True, slots=True)
class MergeEntry:
    """What a row says: the contract's title, who signs it for the other side, the accepted ``values`` of the
    template's fields by name, the ``amount`` in yuan (decimal; empty for none), the day of the ``deadline``
    (ISO 8601; empty for the usual one)."""

    title: str
    guest: GuestDetails
    values: Mapping[str, str]
    amount: str = ""
    deadline: str = ""


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


@dataclass(frozen=True, slots=True)
class MergeRow:
    """``number`` is the row's in the list; ``contract`` the number of what is made of it; ``remark``: what is
    worth knowing before, ``refusal``: why it could not be made or sent."""

    number: int
    entry: MergeEntry
    state: RowState = RowState.WAITING
    contract: str | None = None
    remark: Sentence | None = None
    refusal: Sentence | None = None


@dataclass(frozen=True, slots=True)
class MergeParties:
    """Who signs for our side on every contract: the ``owner`` in person, and a ``seal`` that they ask for."""

    signs: bool = True
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class MailMerge:
    """``owner`` (a subject) initiates the contracts; ``version`` of the ``template`` is the one that is filled."""

    id: str
    owner: str
    template: str
    version: int
    stage: MergeStage
    parties: MergeParties
    created: datetime
