"""A review in several steps (审批流): departments approve a contract one after the other, by type and amount."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, ContractState
from appliance.model.review import ReviewApproval, ReviewRequest
from appliance.policy.rules import ReviewRules
from appliance.store import people, reviews
from appliance.store.database import Transaction
from hsm.names import same_name


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One step: a reviewer of the ``department`` approves; ``approval`` is None while nobody has."""

    department: str
    approval: ReviewApproval | None = None


def steps_of(
    tx: Transaction, contract: Contract, rules: ReviewRules, request: ReviewRequest | None
) -> tuple[ReviewStep, ...]:
    """The steps that *rules* ask for *contract*, in their order, with what was approved for this *request*; of a
    contract that was sent the approved ones alone, whatever policy asks for by now."""
    approved = [] if request is None else reviews.approvals(tx, request.id)
    if contract.state is not ContractState.DRAFT:
        return tuple(ReviewStep(each.department, each) for each in approved)
    found = {each.department: each for each in approved}
    return tuple(ReviewStep(name, found.get(name)) for name in _departments(contract, rules))


def _departments(contract: Contract, rules: ReviewRules) -> Iterator[str]:
    """A step for amounts from a limit on counts for a contract that states none, too: it may be worth more."""
    for step in rules.steps_in_order:
        if step.least is None or contract.amount is None or contract.amount.units >= step.least:
            yield step.department


def open_step(steps: Sequence[ReviewStep]) -> ReviewStep | None:
    """The step that is on turn."""
    return next((step for step in steps if step.approval is None), None)


def may_take(tx: Transaction, steps: Sequence[ReviewStep], reviewer: str) -> bool:
    """Whether *reviewer* can take the step on turn, or the review has no steps."""
    step = open_step(steps)
    if step is None:
        return True
    return same_name(people.department_of(tx, reviewer), step.department) and all(
        each.approval is None or each.approval.by != reviewer for each in steps
    )


def require_step(tx: Transaction, steps: Sequence[ReviewStep], reviewer: str) -> None:
    """Raises :class:`PreconditionRefused` unless *reviewer* is of the department on turn, and took no other."""
    step = open_step(steps)
    if step is None or may_take(tx, steps, reviewer):
        return
    if any(each.approval is not None and each.approval.by == reviewer for each in steps):
        raise PreconditionRefused("You have approved a step of this review already; somebody else takes this one.")
    raise PreconditionRefused(
        "This step of the review is that of {department}; an officer enters whose department it is.",
        department=step.department,
    )
