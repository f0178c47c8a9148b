"""The values of the content check: what was found in a document's text and where, what is waived, who
signed it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

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
class PageBox:
    """A box on a page: ``page`` from 0, the rest in per cent of the page as seen, from its upper left corner."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ClauseFinding:
    """A clause that the text has: where it is said, and its first words."""

    clause: str
    quote: str
    boxes: tuple[PageBox, ...]


@dataclass(frozen=True, slots=True)
class AmountFound:
    """A sum of money in the text. ``value`` is a decimal number as text, ``currency`` an ISO 4217 code or empty.

    ``words`` is what the same place says in words (大写), also as a decimal number; empty when it says nothing.
    """

    value: str
    currency: str
    words: str
    quote: str
    boxes: tuple[PageBox, ...]

    @property
    def consistent(self) -> bool:
        """Whether words and figures say the same."""
        return not self.words or self.words == self.value


@dataclass(frozen=True, slots=True)
class DateFound:
    """A calendar date in the text, ``day`` as ISO 8601."""

    day: str
    quote: str
    boxes: tuple[PageBox, ...]


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

    @property
    def readable(self) -> bool:
        """Whether there was any text to check."""
        return len(self.unread) < self.pages_read


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


CHECK: Final = "review/check.json"
SIGN_OFF: Final = "review/sign-off.json"
"""The two records of a review in an evidence package."""

CHECK_FORMAT: Final = "vermilion-content-check/1"
SIGN_OFF_FORMAT: Final = "vermilion-review-sign-off/1"

_PARTS: Final = 10_000
"""Boxes on record are whole parts of a per cent, because records have no fractions (:mod:`hsm.canonical`)."""


def encode_result(result: CheckResult) -> dict[str, Any]:
    """*result* as plain values."""
    return {
        "pages": result.pages,
        "pages_read": result.pages_read,
        "unread": list(result.unread),
        "clauses": list(result.clauses),
        "findings": [
            {"clause": each.clause, "quote": each.quote, "spots": _spots(each.boxes)} for each in result.findings
        ],
        "amounts": [
            {
                "value": each.value,
                "currency": each.currency,
                "words": each.words,
                "quote": each.quote,
                "spots": _spots(each.boxes),
            }
            for each in result.amounts
        ],
        "dates": [{"day": each.day, "quote": each.quote, "spots": _spots(each.boxes)} for each in result.dates],
    }


def decode_result(given: Mapping[str, Any]) -> CheckResult:
    """The result that *given* says. Raises KeyError, TypeError or ValueError for what :func:`plain` never
    makes.
    """
    return CheckResult(
        pages=int(given["pages"]),
        pages_read=int(given["pages_read"]),
        unread=tuple(int(each) for each in given["unread"]),
        clauses=tuple(str(each) for each in given["clauses"]),
        findings=tuple(
            ClauseFinding(each["clause"], each["quote"], _read(each["spots"])) for each in given["findings"]
        ),
        amounts=tuple(
            AmountFound(each["value"], each["currency"], each["words"], each["quote"], _read(each["spots"]))
            for each in given["amounts"]
        ),
        dates=tuple(DateFound(each["day"], each["quote"], _read(each["spots"])) for each in given["dates"]),
    )


def _spots(spots: tuple[PageBox, ...]) -> list[list[int]]:
    return [
        [each.page, *(round(one * _PARTS) for one in (each.x, each.y, each.width, each.height))] for each in spots
    ]


def _read(spots: list[list[int]]) -> tuple[PageBox, ...]:
    return tuple(PageBox(page, *(one / _PARTS for one in box)) for page, *box in spots)
