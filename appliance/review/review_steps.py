"""A review in several steps (审批流): departments approve a contract one after the other, by type and amount; the
manager of whoever started it, where policy says so.

The manager's step is taken by the first person above the initiator who can (decision 86). It is never left out:
with nobody to take it, the contract cannot go out, and :class:`ReviewStep` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.errors import PreconditionRefused
from appliance.ledger.disclosure import Audience, Disclosure
from appliance.model.accounts import AccountState
from appliance.model.contract import Contract, ContractState
from appliance.model.review import ReviewApproval, ReviewRequest
from appliance.policy.rules import ReviewRules, ReviewStepRule
from appliance.store import accounts, people, reviews
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.names import same_name

LEFT = "{name} is not here any more."
NOT_YET = "{name} has not set up the account yet."
NO_COLLEAGUE = "{name} cannot see drafts of this organisation."
HAS_APPROVED = "{name} has approved another step of this review."
STARTED = "{name} started the contract."

NO_MANAGER = (
    "Policy has the manager of {name} approve this contract, and none is entered. Ask an officer to enter one, or"
    " whoever keeps the directory."
)
NO_MANAGER_CAN = (
    "Policy has a manager of {name} approve this contract, and none of those entered can. Ask an officer to enter"
    " another one, or whoever keeps the directory."
)


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One step: a reviewer of the ``department`` approves, or (empty) a manager of the initiator; ``approval`` is
    None while nobody has.

    Of a manager's step that waits: ``asked`` is the person (subject) who is to take it now, None where nobody can;
    ``passed_over`` says of each manager below that one why they cannot; ``problem`` what to do where nobody can.
    """

    department: str
    approval: ReviewApproval | None = None
    asked: str | None = None
    passed_over: tuple[Sentence, ...] = ()
    problem: Sentence | None = None

    @property
    def is_managers(self) -> bool:
        """Whether it is not a department's."""
        return not self.department


def steps_of(
    tx: Transaction, contract: Contract, rules: ReviewRules, request: ReviewRequest | None
) -> tuple[ReviewStep, ...]:
    """The steps that *rules* ask for *contract*, in their order, with what was approved for this *request*; of a
    contract that was sent the approved ones alone, whatever policy asks for by now."""
    approved = [] if request is None else reviews.approvals(tx, request.id)
    if contract.state is not ContractState.DRAFT:
        return tuple(ReviewStep(each.department, each) for each in approved)
    found = {each.department: each for each in approved}
    return tuple(
        _managers_step(tx, contract, approved)
        if not step.department and step.department not in found
        else ReviewStep(step.department, found.get(step.department))
        for step in _wanted(contract, rules)
    )


def _wanted(contract: Contract, rules: ReviewRules) -> Iterator[ReviewStepRule]:
    """A step for amounts from a limit on counts for a contract that states none, too: it may be worth more."""
    for step in rules.steps_in_order:
        if step.least is None or contract.amount is None or contract.amount.units >= step.least:
            yield step


def _managers_step(tx: Transaction, contract: Contract, approved: Sequence[ReviewApproval]) -> ReviewStep:
    """The manager's step of *contract*, which nobody has taken yet, as managers are now."""
    above, passed_over = people.managers_above(tx, contract.initiator), list[Sentence]()
    for manager in above:
        unable = _unable(tx, contract, manager, approved)
        if unable is None:
            return ReviewStep("", asked=manager, passed_over=tuple(passed_over))
        passed_over.append(unable)
    named = {"name": people.person(tx, contract.initiator).name}
    problem = Sentence(NO_MANAGER_CAN if above else NO_MANAGER, named)
    return ReviewStep("", passed_over=tuple(passed_over), problem=problem)


def _unable(
    tx: Transaction, contract: Contract, manager: str, approved: Sequence[ReviewApproval]
) -> Sentence | None:
    """Why *manager* cannot take the step; None for who can. Nobody needs the role of a reviewer for it."""
    person, account = people.person(tx, manager), accounts.find_account(tx, manager)
    named = {"name": person.name}
    if manager == contract.initiator:
        return Sentence(STARTED, named)
    if account is not None and account.state is AccountState.INVITED:
        return Sentence(NOT_YET, named)
    if account is None or account.state is not AccountState.ACTIVE:
        return Sentence(LEFT, named)
    if not manager.startswith("person-") or not Disclosure(tx, contract, Audience.of_person(person)).drafting:
        return Sentence(NO_COLLEAGUE, named)
    return Sentence(HAS_APPROVED, named) if any(each.by == manager for each in approved) else None


def open_step(steps: Sequence[ReviewStep]) -> ReviewStep | None:
    """The step that is on turn."""
    return next((step for step in steps if step.approval is None), None)


def asked_manager(steps: Sequence[ReviewStep]) -> str | None:
    """The manager (subject) whose turn it is now, if it is one's."""
    step = open_step(steps)
    return None if step is None else step.asked


def problem_of(steps: Sequence[ReviewStep]) -> Sentence | None:
    """Why a step cannot be taken by anybody, and what to do; None when all can."""
    return next((step.problem for step in steps if step.problem is not None), None)


def may_take(tx: Transaction, steps: Sequence[ReviewStep], reviewer: str) -> bool:
    """Whether *reviewer* can take the step on turn, or the review has no steps."""
    step = open_step(steps)
    if step is None:
        return True
    if step.is_managers:
        return step.asked == reviewer
    return same_name(people.department_of(tx, reviewer), step.department) and not _took_one(steps, reviewer)


def require_step(tx: Transaction, steps: Sequence[ReviewStep], reviewer: str) -> None:
    """Raises :class:`PreconditionRefused` unless *reviewer* is of the department on turn, or the manager whose
    turn it is, and took no other."""
    step = open_step(steps)
    if step is None or may_take(tx, steps, reviewer):
        return
    if _took_one(steps, reviewer):
        raise PreconditionRefused("You have approved a step of this review already; somebody else takes this one.")
    if step.problem is not None:
        raise PreconditionRefused(step.problem.template, **step.problem.values)
    if step.asked is not None:
        raise PreconditionRefused(
            "This step of the review is that of the initiator's manager, {name}.",
            name=people.person(tx, step.asked).name,
        )
    raise PreconditionRefused(
        "This step of the review is that of {department}; an officer or the directory says whose department it"
        " is.",
        department=step.department,
    )


def _took_one(steps: Sequence[ReviewStep], reviewer: str) -> bool:
    return any(each.approval is not None and each.approval.by == reviewer for each in steps)
