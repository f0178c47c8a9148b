"""The status of a contract's content check: every item with its level, what is open, whether the contract may
be sent, and the sentence that refuses it.

Pure but for reading the store in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from appliance.errors import ConfigurationError
from appliance.model.contract import Contract
from appliance.model.review import (
    CONSISTENCY,
    TEXT,
    WHOLE,
    AmountFound,
    CheckResult,
    ClauseFinding,
    ClauseLevel,
    ContentCheck,
    ReviewRequest,
    SignOff,
    Waiver,
)
from appliance.policy import Policy
from appliance.policy.rules import ReviewRequirement, ReviewRules
from appliance.review import rule_files
from appliance.review.review_steps import ReviewStep, problem_of, steps_of
from appliance.review.rule_book import KindRule, RuleBook
from appliance.store import reviews
from appliance.store.database import Transaction


class ItemState(StrEnum):
    """What the check says of one item."""

    FOUND = "found"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """Not found, but not everything could be read."""
    CONTRADICTS = "contradicts"
    """An amount whose figures and words differ."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One line of the check: a clause (``key``), the text, the whole document, or a contradicting amount."""

    key: str
    level: ClauseLevel
    state: ItemState
    finding: ClauseFinding | None = None
    amount: AmountFound | None = None
    waiver: Waiver | None = None

    @property
    def open(self) -> bool:
        """Whether it stands in the way: required, not as it should be, and not waived."""
        good = self.state in (ItemState.FOUND, ItemState.UNKNOWN)
        return self.level is ClauseLevel.REQUIRED and not good and self.waiver is None


@dataclass(frozen=True, slots=True)
class ReviewStatus:
    """Everything about the review of one document of a contract.

    ``check`` is None before one was made by the current rules. ``signed_off`` is the sign-off that holds for this
    document and type; it counts only together with what is open (:attr:`cleared`).
    """

    document: str
    kind: KindRule
    wanted: ReviewRequirement
    check: ContentCheck | None
    items: tuple[ReviewItem, ...]
    signed_off: SignOff | None
    request: ReviewRequest | None
    steps: tuple[ReviewStep, ...] = ()

    @property
    def open(self) -> tuple[ReviewItem, ...]:
        """The items that stand in the way."""
        return tuple(item for item in self.items if item.open)

    @property
    def passes(self) -> bool:
        """Whether a check was made and nothing is open."""
        return self.check is not None and not self.open

    @property
    def cleared(self) -> bool:
        """Whether policy lets the contract go out."""
        if self.wanted is ReviewRequirement.NOTHING:
            return True
        signed_off = self.signed_off is not None and all(step.approval is not None for step in self.steps)
        return self.passes and (self.wanted is ReviewRequirement.PASSED or signed_off)


@dataclass(frozen=True, slots=True)
class ReviewStatuses:
    """Reads review statuses. ``book`` are the rules in force, ``rules`` their digest, ``policy`` what the
    enterprise adds.
    """

    book: RuleBook
    policy: Policy
    rules: str

    def status_of(self, tx: Transaction, contract: Contract) -> ReviewStatus:
        """The review status of the contract's original document, by the rules in force."""
        document = contract.original.digest
        return self._status(tx, contract, reviews.check_of(tx, contract.id, document, self.rules))

    def status_when_sent(self, tx: Transaction, contract: Contract) -> ReviewStatus:
        """The same by whatever rules were in force when it was sent: the best status that any check gives."""
        every = [
            self._status(tx, contract, check)
            for check in reviews.checks_of(tx, contract.id, contract.original.digest)
        ]
        return next((each for each in every if each.cleared), self.status_of(tx, contract))

    def _status(self, tx: Transaction, contract: Contract, check: ContentCheck | None) -> ReviewStatus:
        document, rules = contract.original.digest, self.policy.rules_for(contract.kind).review
        kind, request = self.kind(contract.kind, rules), reviews.last_request(tx, contract.id)
        waived = {waiver.item: waiver for waiver in reviews.waivers(tx, contract.id, document)}
        given = [
            each
            for each in reviews.sign_offs(tx, contract.id, document)
            if check is not None and each.check == check.digest and each.kind == kind.key
        ]
        return ReviewStatus(
            document=document,
            kind=kind,
            wanted=rules.before_sending,
            check=check,
            items=() if check is None else tuple(items(check.result, kind, waived)),
            signed_off=given[0] if given else None,
            request=request,
            steps=steps_of(tx, contract, rules, request),
        )

    def kind(self, words: str, rules: ReviewRules) -> KindRule:
        """The type of contract that *words* name, with what policy adds."""
        found = self.book.kind_of(words)
        book = rule_files.with_policy(self.book, {found.key: (tuple(rules.required), tuple(rules.advised))})
        return next(kind for kind in book.kinds if kind.key == found.key)


def open_review_statuses(folder: Path, policy: Policy) -> ReviewStatuses:
    """Review statuses by the package's rules with those in the home's *folder*.

    Raises :class:`ConfigurationError` for a rule that is wrong, and a clause of policy that no rule knows.
    """
    book = rule_files.load_rules(folder)
    known = {clause.key for clause in book.clauses}
    for rules in (policy.default, *(each.rules for each in policy.types)):
        for key in (*rules.review.required, *rules.review.advised):
            if key not in known:
                raise ConfigurationError(
                    "The policy asks for the clause “{clause}”, which the content check does not know; it knows"
                    " {known}.",
                    clause=key,
                    known=", ".join(sorted(known)),
                )
    return ReviewStatuses(book, policy, book.digest)


def items(result: CheckResult, kind: KindRule, waived: Mapping[str, Waiver]) -> Iterator[ReviewItem]:
    """Every item of *result* for contracts of *kind*: what stands in the way of reading first, then the
    clauses.
    """
    complete = result.pages_read == result.pages and not result.unread
    if result.unread:
        yield ReviewItem(TEXT, ClauseLevel.REQUIRED, ItemState.UNREADABLE, waiver=waived.get(TEXT))
    if result.pages_read < result.pages:
        yield ReviewItem(WHOLE, ClauseLevel.REQUIRED, ItemState.UNREADABLE, waiver=waived.get(WHOLE))
    found = {finding.clause: finding for finding in result.findings}
    clauses = _ordered(result.clauses, kind)
    for clause in clauses:
        state = ItemState.FOUND if clause in found else ItemState.MISSING if complete else ItemState.UNKNOWN
        yield ReviewItem(clause, kind.level(clause), state, finding=found.get(clause), waiver=waived.get(clause))
    for number, amount in enumerate((each for each in result.amounts if not each.consistent), start=1):
        key = f"{CONSISTENCY}{number}"
        yield ReviewItem(key, ClauseLevel.REQUIRED, ItemState.CONTRADICTS, amount=amount, waiver=waived.get(key))


def _ordered(clauses: Sequence[str], kind: KindRule) -> list[str]:
    levels = list(ClauseLevel)
    return sorted(clauses, key=lambda clause: levels.index(kind.level(clause)))


UNCHECKED = "The content of this contract has not been checked; open the step “Check and send”."
INCOMPLETE = "The content check of this contract is not passed; open findings: {count}."
UNSIGNED = "Contracts of this type go out only after a reviewer has signed the content check off."


def refusal_of(status: ReviewStatus) -> tuple[str, dict[str, object]] | None:
    """A sentence (message id) with its values, or None when the contract may go out."""
    if status.cleared:
        return None
    if status.check is None:
        return UNCHECKED, {}
    if (problem := problem_of(status.steps)) is not None:
        return problem.template, dict(problem.values)
    if status.open and status.wanted is not ReviewRequirement.NOTHING:
        return INCOMPLETE, {"count": len(status.open)}
    return UNSIGNED, {}
