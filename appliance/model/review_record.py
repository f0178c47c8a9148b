"""Results of checks as plain values, and back: what crosses from the confined child, and what is kept on record.

Numbers of boxes are whole ten-thousandths of a per cent, because records have no fractions (:mod:`hsm.canonical`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.model.review import AmountFound, CheckResult, ClauseFinding, DateFound, PageBox

_PARTS: Final = 10_000


def plain(result: CheckResult) -> dict[str, Any]:
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


def result(given: Mapping[str, Any]) -> CheckResult:
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
