"""The content check on pages: its items in words, and the boxes of what was found on the pages.

``/reviews``: what waits for a reviewer, and each case with what the reviewer does in it.
``/contracts/ID/review``: the result, for readers of the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import Blueprint, Response, request

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState, Placement
from appliance.model.review import (
    CONSISTENCY,
    TEXT,
    WHOLE,
    AmountFound,
    ClauseLevel,
    DateFound,
    ReviewRequestState,
)
from appliance.pdf.values import PageSize
from appliance.review import review_steps
from appliance.review.review_status import ItemState, ReviewItem, ReviewStatus
from hsm.errors import RefusalError
from webui.portal.access import require, view_contract, visitor
from webui.portal.pages import appliance, house_names, page_width
from webui.shared.form_pages import Answer, form, render, see_other, status_in_workflow
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
    """One item of the check: its ``name``, and its ``state`` in words with the state's tone."""

    item: ReviewItem
    name: str
    state: str
    tone: str

    @property
    def spots(self) -> Sequence[Placement]:
        """Where it stands in the document."""
        found = self.item.finding or self.item.amount
        return () if found is None else found.spots

    @property
    def pages(self) -> list[int]:
        return list(dict.fromkeys(spot.page + 1 for spot in self.spots))

    @property
    def colour(self) -> str:
        """Of its boxes on the pages, a class of fields.css."""
        return "c8" if self.item.amount else "c1" if self.item.level is ClauseLevel.REQUIRED else "c3"

    @property
    def detail(self) -> str:
        """What the text says."""
        finding, amount = self.item.finding, self.item.amount
        if finding is not None:
            return _NUMBERED.sub("", finding.quote)
        if amount is None:
            return ""
        said = "“{quote}”: {value} in figures, {words} in words"
        return translate()(said, quote=amount.quote, value=amount.value, words=amount.words)

    @property
    def quotes(self) -> str:
        """The language of a detail that stands so in the document, else empty."""
        return language_of(self.item.finding.quote) if self.item.finding else ""

    @property
    def shown(self) -> bool:
        """Whether the item is of interest: not if nobody requires it and the text does not have it."""
        return self.item.level is not ClauseLevel.OPTIONAL or self.tone == "good" or self.item.open


@dataclass(frozen=True, slots=True)
class MarkedPage:
    """A page (``number`` from 1) with the boxes on it, in per cent, each with its item; the first box of an item
    on the page carries the anchor that lists link to."""

    number: int
    size: PageSize
    marks: tuple[tuple[ReviewRow, Placement], ...]
    anchored: frozenset[int]


@dataclass(frozen=True, slots=True)
class DistinctValue(Generic[F]):
    """An amount or a date that the text names, however often: ``quotes`` are the different ways in which it is
    written, ``pages`` (from 1) where."""

    first: F
    quotes: tuple[str, ...]
    pages: tuple[int, ...]


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


def review_rows(status: ReviewStatus) -> list[ReviewRow]:
    return [ReviewRow(item, _clause_name(item.key), *_state(item)) for item in status.items]


def _clause_name(key: str) -> str:
    """How the item *key* is called in the visitor's language."""
    say = translate()
    if key == TEXT:
        return say("Pages without text")
    if key == WHOLE:
        return say("Pages not read in time")
    if key.startswith(CONSISTENCY):
        return say("Amount in figures and in words")
    language = current_language().value
    rules = appliance.reviewing.statuses.book.clauses
    return next((rule.name.get(language, key) for rule in rules if rule.key == key), key)


def language_of(quote: str) -> str:
    """The language tag of words from a contract: Chinese as soon as there is a Chinese character."""
    return "zh-CN" if _CHINESE.search(quote) else "en"


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


def _sheets(contract: Contract, status: ReviewStatus, rows: list[ReviewRow]) -> Iterator[MarkedPage]:
    sizes = appliance.layouts.inspection(status.document).pages
    marks = [(row, spot) for row in rows for spot in row.spots]
    first = range(1, min(FIRST_PAGES, contract.pages) + 1)
    for number in sorted({*first, *(spot.page + 1 for _, spot in marks)})[:MOST_PAGES]:
        here = tuple((row, spot) for row, spot in marks if spot.page + 1 == number)
        first_of = {row.item.key: at for at, (row, _) in reversed(list(enumerate(here)))}
        yield MarkedPage(number, sizes[number - 1], here, frozenset(first_of.values()))


pages = Blueprint("reviews", __name__)

REFUSALS = (PreconditionRefused, StateRefused)


def _reviewer() -> str:
    """Whoever answers reviews: reviewers, and managers where policy has them approve."""
    found = visitor()
    return found.subject if found.manages else require(AccountRole.REVIEWER).subject


@pages.get("/reviews")
def queue() -> Answer:
    reviewing, reviewer = appliance.reviewing, _reviewer()
    waiting, answered = reviewing.queue(reviewer), reviewing.answered(reviewer)
    return render(
        "reviews/queue.html", waiting=waiting, answered=answered, names=house_names(visitor().organisation)
    )


@pages.get("/reviews/<contract_id>")
def case(contract_id: str) -> Answer:
    reviewing, reviewer = appliance.reviewing, _reviewer()
    contract = reviewing.case(contract_id, reviewer)
    status = reviewing.review_status(contract)
    asked = status.request
    answers = (
        contract.state is ContractState.DRAFT
        and asked is not None
        and asked.state is ReviewRequestState.OPEN
        and asked.document == status.document
    )
    asked_manager = review_steps.asked_manager(status.steps)
    answers = answers and (AccountRole.REVIEWER in visitor().roles or asked_manager == reviewer)
    if answers and status.check is None:  # the rules have changed since it was asked for
        reviewing.check_content(contract, by=reviewer)
        status = reviewing.review_status(contract)
    return _result(contract, status, f"/reviews/{contract.id}/pages/", answers=answers)


@pages.get("/contracts/<contract_id>/review")
def result(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    seen.require_drafting()
    contract = seen.contract
    status = appliance.reviewing.review_status(contract)
    return _result(contract, status, f"/contracts/{contract.id}/pages/", answers=False)


def _result(contract: Contract, status: ReviewStatus, pictures: str, *, answers: bool) -> Answer:
    rows, result = review_rows(status), None if status.check is None else status.check.result
    return render(
        "reviews/case.html",
        contract=contract,
        review_status=status,
        rows=rows,
        amounts=_distinct(result.amounts if result else (), lambda one: (one.currency, one.value)),
        dates=_distinct(result.dates if result else (), lambda one: one.day),
        language_of=language_of,
        sheets=list(_sheets(contract, status, rows)) if result else [],
        answers=answers,
        pictures=pictures,
        names=house_names(visitor().organisation),
    )


@pages.get("/reviews/<contract_id>/pages/<int:number>.png")
def picture(contract_id: str, number: int) -> Answer:
    contract = appliance.reviewing.case(contract_id, _reviewer())
    width = page_width(contract, number)
    png = appliance.pictures.page(contract.original.digest, number - 1, width)
    response = Response(png, content_type="image/png")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _waived(_refusal: RefusalError) -> str:
    return request.form.get("item", "")


@pages.post("/reviews/<contract_id>/waive")
@form(case, _reviewer, _waived, refusals=REFUSALS, status=status_in_workflow)
def waive(by: str, contract_id: str) -> Answer:
    item, reason = request.form.get("item", ""), request.form.get("reason", "")
    appliance.reviewing.waive(contract_id, item, reason, by=by, seen=request.form.get("document", ""))
    return see_other("reviews.case", contract_id=contract_id)


@pages.post("/reviews/<contract_id>/sign-off")
@form(case, _reviewer, "sign-off", refusals=REFUSALS, status=status_in_workflow)
def sign_off(by: str, contract_id: str) -> Answer:
    appliance.reviewing.sign_off(contract_id, by=by, seen=request.form.get("document", ""))
    return see_other("reviews.case", contract_id=contract_id)


@pages.post("/reviews/<contract_id>/return")
@form(case, _reviewer, "return", refusals=REFUSALS, status=status_in_workflow)
def send_back(by: str, contract_id: str) -> Answer:
    words, seen = request.form.get("words", ""), request.form.get("document", "")
    appliance.reviewing.send_back(contract_id, words, by=by, seen=seen)
    return see_other("reviews.case", contract_id=contract_id)
