"""The values of the content check: what a document's text has and where, what is waived, who signed it off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import cattrs

from appliance.model.contract import Placement

TEXT = "text"
"""The item for pages whose text cannot be read."""

WHOLE = "whole"
"""The item for a document that was too long to be read to its end."""

CONSISTENCY = "amount-"
"""How the items begin that stand for an amount whose figures and words differ; the number follows."""


class ClauseLevel(StrEnum):
    """How much a clause is wanted in a type of contract."""

    REQUIRED = "required"
    ADVISED = "advised"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class ClauseFinding:
    """A clause that the text has: where it is said, and its first words."""

    clause: str
    quote: str
    spots: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class AmountFound:
    """A sum of money in the text. ``value`` is a decimal number as text, ``currency`` an ISO 4217 code or empty.

    ``words`` is what the same place says in words (大写), also as a decimal number; empty when it says nothing.
    """

    value: str
    currency: str
    words: str
    quote: str
    spots: tuple[Placement, ...]

    @property
    def consistent(self) -> bool:
        """Whether words and figures say the same."""
        return not self.words or self.words == self.value


@dataclass(frozen=True, slots=True)
class DateFound:
    """A calendar date in the text, ``day`` as ISO 8601."""

    day: str
    quote: str
    spots: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, whatever the type of the contract.

    ``clauses`` are the keys that were looked for. ``unread`` are the pages (from 0) that show something but
    have no text, such as scans. ``pages_read`` is smaller than ``pages`` when the time was up before the end.
    """

    pages: int
    pages_read: int
    unread: tuple[int, ...]
    clauses: tuple[str, ...]
    findings: tuple[ClauseFinding, ...]
    amounts: tuple[AmountFound, ...]
    dates: tuple[DateFound, ...]

    @property
    def found(self) -> frozenset[str]:
        """The keys of the clauses that the text has."""
        return frozenset(finding.clause for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ContentCheck:
    """A check on record: of this contract, this document (SHA-256, hex) and this set of rules; never rewritten.

    ``record`` are the canonical bytes of the result, ``digest`` their SHA-256 (hex), which the log names.
    """

    contract: str
    document: str
    rules: str
    result: CheckResult
    record: bytes
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiver:
    """A reviewer answers for one item of the check that is not as it should be, with a reason."""

    item: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignOff:
    """A reviewer's answer for the whole check of one document; ``record`` are canonical bytes that say all of it.

    ``kind`` is the type of contract (a key of the rules) for which it was given.
    """

    contract: str
    document: str
    check: str
    kind: str
    by: str
    at: datetime
    record: bytes


class ReviewRequestState(StrEnum):
    """What became of the request to review a document."""

    OPEN = "open"
    SIGNED_OFF = "signed-off"
    RETURNED = "returned"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """The initiator asks for a review of the draft with this document; ``answer`` are the reviewer's words."""

    id: str
    contract: str
    document: str
    by: str
    at: datetime
    state: ReviewRequestState = ReviewRequestState.OPEN
    decided: datetime | None = None
    decided_by: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewApproval:
    """Who of a ``department``, or (empty) as the initiator's manager, has approved the document for a request."""

    department: str
    by: str
    at: datetime


CHECK: Final = "review/check.json"
SIGN_OFF: Final = "review/sign-off.json"
"""The two records of a review in an evidence package."""

CHECK_FORMAT: Final = "vermilion-content-check/1"
SIGN_OFF_FORMAT: Final = "vermilion-review-sign-off/1"

_PARTS: Final = 10_000
"""Boxes on record are whole parts of a per cent, because records have no fractions (:mod:`hsm.canonical`)."""


def encode_result(result: CheckResult) -> dict[str, Any]:
    return _CONVERTER.unstructure(result)  # type: ignore[no-any-return]  # a dataclass becomes a dict


def decode_result(given: Mapping[str, Any]) -> CheckResult:
    """The result that *given* says. Raises KeyError, TypeError or ValueError for what :func:`encode_result` never
    makes.
    """
    return _CONVERTER.structure(given, CheckResult)


def _converter() -> cattrs.Converter:
    made = cattrs.Converter(detailed_validation=False, unstruct_collection_overrides={tuple: list})
    made.register_unstructure_hook(Placement, _in_parts)
    made.register_structure_hook(
        Placement, lambda parts, _: Placement(parts[0], *(one / _PARTS for one in parts[1:]))
    )
    return made


def _in_parts(box: Placement) -> list[int]:
    return [box.page, *(round(one * _PARTS) for one in (box.x, box.y, box.width, box.height))]


_CONVERTER = _converter()
