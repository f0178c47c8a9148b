"""A content check as the templates show it: its items in words, and the boxes of what was found on the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from appliance.model.contract import Contract
from appliance.model.review import (
    CONSISTENCY,
    TEXT,
    WHOLE,
    AmountFound,
    CheckResult,
    ClauseLevel,
    DateFound,
    PageBox,
    Waiver,
)
from appliance.review.review_status import ItemState, ReviewItem, ReviewStatus
from webui.portal.parts import PortalParts
from webui.shared.language import current_language, translate

_NUMBERED = re.compile(r"(?<=[\u3400-\u9fff])\s*\d{1,2}\.$")
"""The number of a heading's English half, which a Chinese half is quoted with: 违约责任 8."""

_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")

F = TypeVar("F", AmountFound, DateFound)

FIRST_PAGES = 12
MOST_PAGES = 60
"""Pages that are drawn: the first ones, and of the others those on which something was found."""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One item: ``state`` in words with its tone, ``detail`` what the text says, ``pages`` (from 1) where;
    ``quotes``: the language of a detail that stands so in the document, else empty."""

    key: str
    name: str
    level: str
    state: str
    tone: str
    detail: str
    quotes: str
    pages: tuple[int, ...]
    waiver: Waiver | None
    open: bool

    @property
    def shown(self) -> bool:
        """Whether a reader wants to hear of it: not of what nobody asked for and the text does not have."""
        return bool(self.level) or self.tone == "good" or self.open


@dataclass(frozen=True, slots=True)
class ReviewMark:
    """A box on a page, in per cent; ``key`` is its item's, ``name`` says what was found there."""

    key: str
    name: str
    spot: PageBox
    tone: str


@dataclass(frozen=True, slots=True)
class MarkedPage:
    """A page (``number`` from 1, size in points) with the boxes on it; the first box of an item on the page
    carries the anchor that lists link to."""

    number: int
    width: float
    height: float
    marks: tuple[ReviewMark, ...]
    anchored: frozenset[int]


@dataclass(frozen=True, slots=True)
class DistinctValue(Generic[F]):
    """An amount or a date that the text names, however often: ``quotes`` are the different ways in which it is
    written, ``pages`` (from 1) where."""

    first: F
    quotes: tuple[str, ...]
    pages: tuple[int, ...]


def review_view(parts: PortalParts, contract: Contract, standing: ReviewStatus) -> dict[str, Any]:
    """What the templates need to show *standing*."""
    rows = [_row(parts, item) for item in standing.items]
    result = None if standing.check is None else standing.check.result
    return {
        "contract": contract,
        "standing": standing,
        "rows": rows,
        "kind_words": contract.kind,
        "wanted": standing.wanted.value,
        "amounts": _distinct(result.amounts if result else (), lambda one: (one.currency, one.value)),
        "dates": _distinct(result.dates if result else (), lambda one: one.day),
        "language_of": language_of,
        "unread": () if result is None else tuple(page + 1 for page in result.unread),
        "pages_read": 0 if result is None else result.pages_read,
        "sheets": [] if result is None else list(_sheets(parts, contract, standing, result, rows)),
    }


def _distinct(found: Sequence[F], what: Callable[[F], object]) -> list[DistinctValue[F]]:
    """Every value once, in the order of the text, with all ways in which it is written and all of its pages."""
    together: dict[object, list[F]] = {}
    for one in found:
        together.setdefault((what(one), getattr(one, "words", None)), []).append(one)
    return [
        DistinctValue(
            same[0],
            quotes=tuple(dict.fromkeys(one.quote for one in same)),
            pages=tuple(sorted({spot.page + 1 for one in same for spot in one.spots})),
        )
        for same in together.values()
    ]


def clause_name(parts: PortalParts, key: str) -> str:
    """How the item *key* is called in the visitor's language."""
    say = translate()
    if key == TEXT:
        return say("Pages without text")
    if key == WHOLE:
        return say("Pages not read in time")
    if key.startswith(CONSISTENCY):
        return say("Amount in figures and in words")
    language = current_language().value
    rules = parts.appliance.reviewing.standings.book.clauses
    return next((rule.name.get(language, key) for rule in rules if rule.key == key), key)


def language_of(quote: str) -> str:
    """The language tag of words from a contract: Chinese as soon as there is a Chinese character."""
    return "zh-CN" if _CHINESE.search(quote) else "en"


def _row(parts: PortalParts, item: ReviewItem) -> ReviewRow:
    state, tone = _state(item)
    spots = item.finding.spots if item.finding else item.amount.spots if item.amount else ()
    return ReviewRow(
        key=item.key,
        name=clause_name(parts, item.key),
        level={
            ClauseLevel.REQUIRED: translate()("required"),
            ClauseLevel.ADVISED: translate()("advised"),
            ClauseLevel.OPTIONAL: "",
        }[item.level],
        state=state,
        tone=tone,
        detail=_detail(item),
        quotes=language_of(item.finding.quote) if item.finding else "",
        pages=tuple(dict.fromkeys(spot.page + 1 for spot in spots)),
        waiver=item.waiver,
        open=item.open,
    )


def _state(item: ReviewItem) -> tuple[str, str]:
    say = translate()
    if item.state is ItemState.FOUND:
        return say("found"), "good"
    if item.waiver is not None:
        return say("waived"), "info"
    if item.state is ItemState.UNKNOWN:
        return say("not found in what could be read"), ""
    if item.state is ItemState.CONTRADICTS:
        return say("do not agree"), "bad"
    if item.state is ItemState.UNREADABLE:
        return say("cannot be checked"), "bad"
    return say("missing"), {ClauseLevel.REQUIRED: "bad", ClauseLevel.ADVISED: "open"}.get(item.level, "")


def _detail(item: ReviewItem) -> str:
    if item.finding is not None:
        return _NUMBERED.sub("", item.finding.quote)
    if item.amount is not None:
        return translate()(
            "“{quote}”: {value} in figures, {words} in words",
            quote=item.amount.quote,
            value=item.amount.value,
            words=item.amount.words,
        )
    return ""


def _sheets(
    parts: PortalParts, contract: Contract, standing: ReviewStatus, result: CheckResult, rows: list[ReviewRow]
) -> Iterator[MarkedPage]:
    sizes = parts.appliance.layouts.inspection(standing.document).pages
    marks = list(_marks(standing, {row.key: row for row in rows}))
    first = range(1, min(FIRST_PAGES, contract.pages) + 1)
    wanted = sorted({*first, *(mark.spot.page + 1 for mark in marks)})[:MOST_PAGES]
    for number in wanted:
        here = tuple(mark for mark in marks if mark.spot.page + 1 == number)
        first_of = {mark.key: at for at, mark in reversed(list(enumerate(here)))}
        size = sizes[number - 1]
        yield MarkedPage(number, size.width, size.height, here, frozenset(first_of.values()))


def _marks(standing: ReviewStatus, rows: Mapping[str, ReviewRow]) -> Iterator[ReviewMark]:
    for item in standing.items:
        spots = item.finding.spots if item.finding else item.amount.spots if item.amount else ()
        tone = "c8" if item.amount else "c1" if item.level is ClauseLevel.REQUIRED else "c3"
        for spot in spots:
            yield ReviewMark(item.key, rows[item.key].name, spot, tone)
