"""Reviewing: check, request a review, waive, sign off, return. Each is an entry of the contract's history.

The document is read in a confined process. A draft and its review are internal: reviewers are of the
organisation that drafts the contract.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from appliance.confinement.pool import Confinement
from appliance.documents.blobs import BlobStore
from appliance.errors import (
    NotAllowed,
    NotFound,
    PreconditionRefused,
    StateRefused,
)
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.ledger.disclosure import Audience, Disclosure
from appliance.model import review
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.api_clients import require_person
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.review import (
    CHECK,
    CHECK_FORMAT,
    SIGN_OFF,
    SIGN_OFF_FORMAT,
    CheckResult,
    ContentCheck,
    ReviewApproval,
    ReviewRequest,
    ReviewRequestState,
    SignOff,
    Waiver,
)
from appliance.policy.rules import MANAGER
from appliance.review import review_steps
from appliance.review.review_status import ReviewStatus, ReviewStatuses
from appliance.review.rule_book import RuleBook
from appliance.store import accounts, contracts, outbox, people, reviews
from appliance.store.database import Database, Transaction
from hsm import canonical
from hsm.intents import instant


class ContentChecker:
    """Thread-safe. ``book`` are the rules; ``timeout`` in seconds bounds one check, whatever the patterns do."""

    def __init__(self, confinement: Confinement, book: RuleBook, *, timeout: float = 60.0) -> None:
        self._confinement = confinement
        self._rules = book.plain()
        self._timeout = timeout
        self.book = book

    def check_document(self, document: bytes) -> CheckResult:
        """What *document* has, and where. Raises :class:`DocumentRefused` when it cannot be read or took too long,
        and :class:`ConfinementFailed` when no confined process could be had."""
        found = self._confinement.process(
            dict, "review.check", timeout=self._timeout, document=document, rules=self._rules
        )
        return review.decode_result(found)


LONGEST_REASON = 500
MOST_SHOWN = 200
SALT_BYTES = 16
"""Of a record, so that its digest in the log tells nothing to who does not have the record."""

MOST_ANSWERED = 30
"""Of what somebody has answered, the newest; older ones are found among the contracts."""


@dataclass(frozen=True, slots=True)
class WaitingReview:
    """A request with its contract, as the queue shows it."""

    request: ReviewRequest
    contract: Contract


class Reviewing:
    """Thread-safe. Initiators check and ask; people of their organisation with the reviewer's role answer, but not
    their own contracts. Where policy has a manager of the initiator approve, that one does it for this contract
    without the role, while it is their turn.

    ``seen`` is the digest of the document that a page showed: when it was replaced since, :class:`StateRefused`.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        checker: ContentChecker,
        statuses: ReviewStatuses,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._checker = checker
        self.statuses = statuses
        self._now = now

    def review_status(self, contract: Contract) -> ReviewStatus:
        """Where the review of *contract* stands, by the rules in force; once it is sent, by those that
        let it out.
        """
        draft = contract.state is ContractState.DRAFT
        with self._database.reading() as tx:
            return self.statuses.status_of(tx, contract) if draft else self.statuses.status_when_sent(tx, contract)

    def check_content(self, contract: Contract, *, by: str) -> ContentCheck:
        """The check of the contract's document by the rules in force: the one on record, or made now and recorded.

        Raises :class:`DocumentRefused` when the document cannot be read, or took too long.
        """
        document, rules = contract.original.digest, self.statuses.rules
        known = self._database.query(reviews.check_of, contract.id, document, rules)
        if known is not None:
            return known
        made = self._made(contract.id, document, rules)
        with self._database.transaction() as tx:
            if reviews.keep_check(tx, made):
                public = {"document": made.document, "rules": made.rules, "check": made.digest}
                missing = self._missing(contract, made)
                self._append_event(tx, EventKind.CONTENT_CHECKED, contract.id, by, public, missing=missing)
            return reviews.check_of(tx, contract.id, document, rules) or made

    def ask(self, contract_id: str, *, by: str, seen: str | None = None) -> ReviewRequest:
        """The initiator asks for a review of the draft as it stands.

        Raises :class:`PreconditionRefused` where policy has a manager approve and none can.
        """
        contract = self._database.query(_own_draft, contract_id, by, seen)
        self.check_content(contract, by=by)
        with self._database.transaction() as tx:
            contract = _own_draft(tx, contract_id, by, contract.original.digest)
            _require_takers(self.statuses.status_of(tx, contract))
            open_one = reviews.last_request(tx, contract_id)
            now = self._now()
            if (
                open_one
                and open_one.state is ReviewRequestState.OPEN
                and open_one.document != contract.original.digest
            ):
                reviews.answer(tx, open_one, ReviewRequestState.LAPSED, now, by=None, words=None)
            request = ReviewRequest(secrets.token_hex(16), contract_id, contract.original.digest, by, now)
            reviews.ask(tx, request)
            self._append_event(tx, EventKind.REVIEW_REQUESTED, contract_id, by, {"document": request.document})
            self._ask_manager(tx, contract)
        return request

    def waive(self, contract_id: str, item: str, reason: str, *, by: str, seen: str | None = None) -> None:
        """The reviewer answers for an open item, with a reason."""
        reason = _words(reason)
        with self._database.transaction() as tx:
            contract, status = self._under_review(tx, contract_id, by, seen)
            if item not in {each.key for each in status.open}:
                raise StateRefused("There is no open finding of this name; look at the check again.")
            waiver = Waiver(item, reason, by, self._now())
            reviews.waive(tx, contract_id, status.document, waiver)
            public = {"document": status.document}
            self._append_event(tx, EventKind.CLAUSE_WAIVED, contract.id, by, public, item=item, reason=reason)

    def sign_off(self, contract_id: str, *, by: str, seen: str | None = None) -> SignOff | None:
        """The reviewer answers for the whole check; None where a further step of the review is to come.

        Raises :class:`PreconditionRefused` while something is open, and for a reviewer of another department than
        the one on turn.
        """
        with self._database.transaction() as tx:
            contract, status = self._under_review(tx, contract_id, by, seen)
            if status.check is None or status.open:
                raise PreconditionRefused(
                    "Open findings: {count}. Waive each with a reason, or return the contract.",
                    count=len(status.open),
                )
            if self._approved_step(tx, status, contract_id, by):
                self._ask_manager(tx, contract)
                return None
            waivers = reviews.waivers(tx, contract_id, status.document)
            given = _sign_off(status, status.check, waivers, by=by, at=self._now())
            reviews.sign_off(tx, given)
            if status.request is not None:
                reviews.answer(tx, status.request, ReviewRequestState.SIGNED_OFF, given.at, by=by, words=None)
            record = hashlib.sha256(given.record).hexdigest()
            public = {"document": given.document, "check": given.check, "record": record}
            self._append_event(tx, EventKind.REVIEW_SIGNED_OFF, contract.id, by, public)
        return given

    def _approved_step(self, tx: Transaction, status: ReviewStatus, contract_id: str, by: str) -> bool:
        """Takes the step on turn, if the review has steps; whether there are more to come."""
        step = review_steps.open_step(status.steps)
        if step is None or status.request is None:
            return False
        review_steps.require_step(tx, status.steps, by)
        approval = ReviewApproval(step.department, by, self._now())
        reviews.approve_step(tx, status.request.id, approval)
        public = {"document": status.document}
        taken = {"approved_as": MANAGER} if step.is_managers else {"department": step.department}
        self._append_event(tx, EventKind.REVIEW_STEP_APPROVED, contract_id, by, public, **taken)
        return step is not status.steps[-1]

    def _ask_manager(self, tx: Transaction, contract: Contract) -> None:
        """Tells the manager whose turn it is, if it is one's: managers look less often than reviewers."""
        manager = review_steps.asked_manager(self.statuses.status_of(tx, contract).steps)
        if manager is not None:
            outbox.enqueue(tx, Notice(contract.id, manager, NoticeKind.REVIEW_ASKED, self._now()))

    def send_back(self, contract_id: str, words: str, *, by: str, seen: str | None = None) -> None:
        """The reviewer returns the contract to its initiator, saying what is to be corrected."""
        words = _words(words)
        with self._database.transaction() as tx:
            contract, status = self._under_review(tx, contract_id, by, seen)
            if status.request is not None:
                reviews.answer(tx, status.request, ReviewRequestState.RETURNED, self._now(), by=by, words=words)
            self._append_event(
                tx, EventKind.REVIEW_RETURNED, contract.id, by, {"document": status.document}, reason=words
            )

    def queue(self, reviewer: str) -> tuple[WaitingReview, ...]:
        """What waits for a review by *reviewer*: drafts of colleagues, the oldest request first. Without the
        reviewer's role those of which it is *reviewer*'s turn as a manager."""
        require_person()
        with self._database.reading() as tx:
            reviews_all = _is_reviewer(tx, reviewer)
            found = (WaitingReview(each, contracts.load_contract(tx, each.contract)) for each in reviews.queue(tx))
            own = (
                each
                for each in found
                if (reviews_all or reviewer in people.managers_above(tx, each.contract.initiator))
                and _is_colleagues(tx, each.contract, reviewer)
                and _current(each)
            )
            mine = (each for each in own if self._takes(tx, each.contract, reviewer, reviews_all))
            return tuple(islice(mine, MOST_SHOWN))

    def _takes(self, tx: Transaction, contract: Contract, reviewer: str, reviews_all: bool) -> bool:
        steps = self.statuses.status_of(tx, contract).steps
        if not reviews_all:
            return review_steps.asked_manager(steps) == reviewer
        return review_steps.may_take(tx, steps, reviewer)

    def approves_as_manager(self, subject: str) -> bool:
        """Whether reviews can wait for *subject* as somebody's manager, whatever roles they have."""
        return self.statuses.policy.asks_managers and self._database.query(people.manages_somebody, subject)

    def answered(self, reviewer: str) -> tuple[WaitingReview, ...]:
        """What *reviewer* has answered, the newest first."""
        with self._database.reading() as tx:
            every = reviews.decided_by(tx, reviewer, limit=MOST_ANSWERED)
            found = [WaitingReview(each, contracts.load_contract(tx, each.contract)) for each in every]
            return tuple(each for each in found if _is_colleagues(tx, each.contract, reviewer))

    def case(self, contract_id: str, reviewer: str) -> Contract:
        """A contract of a colleague whose review was asked for. Raises :class:`NotFound` for all others, and for
        whoever is neither a reviewer nor the manager whose turn it is or was."""
        with self._database.reading() as tx:
            return self.case_within(tx, contract_id, reviewer)

    def case_within(self, tx: Transaction, contract_id: str, reviewer: str) -> Contract:
        """The same inside the caller's transaction."""
        require_person()
        contract = contracts.load_contract(tx, contract_id)
        request = reviews.last_request(tx, contract_id)
        if request is None or not _is_colleagues(tx, contract, reviewer):
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        if not _is_reviewer(tx, reviewer) and not self._is_managers(tx, contract, request, reviewer):
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        return contract

    def _is_managers(self, tx: Transaction, contract: Contract, request: ReviewRequest, manager: str) -> bool:
        """Whether it is the turn of *manager* now, or *manager* has answered this request as one."""
        if request.decided_by == manager or manager in (each.by for each in reviews.approvals(tx, request.id)):
            return True
        waits = request.state is ReviewRequestState.OPEN and _current(WaitingReview(request, contract))
        if not waits or manager not in people.managers_above(tx, contract.initiator):
            return False
        return review_steps.asked_manager(self.statuses.status_of(tx, contract).steps) == manager

    def records(self, contract: Contract) -> dict[str, bytes]:
        """What the evidence says of the review: path → canonical bytes. One that was signed off comes first."""
        document = contract.original.digest
        with self._database.reading() as tx:
            checks = {check.digest: check for check in reviews.checks_of(tx, contract.id, document)}
            given = reviews.sign_offs(tx, contract.id, document)
        if given:
            return {CHECK: checks[given[0].check].record, SIGN_OFF: given[0].record}
        return {CHECK: next(iter(checks.values())).record} if checks else {}

    def _under_review(
        self, tx: Transaction, contract_id: str, by: str, seen: str | None
    ) -> tuple[Contract, ReviewStatus]:
        require_person()
        contract = contracts.load_contract(tx, contract_id)
        status = self.statuses.status_of(tx, contract)
        if review_steps.asked_manager(status.steps) != by:
            _require_reviewer(tx, by)
        if contract.initiator == by:
            raise PreconditionRefused("Nobody reviews a contract of their own.")
        request = status.request
        if request is None or not _is_colleagues(tx, contract, by):
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        if request.state is not ReviewRequestState.OPEN or contract.state is not ContractState.DRAFT:
            raise StateRefused("This review has been answered already; look at what became of it.")
        if request.document != status.document or (seen is not None and seen != status.document):
            raise StateRefused(
                "The document was replaced since the review was asked for; it is to be asked for again."
            )
        return contract, status

    def _made(self, contract: str, document: str, rules: str) -> ContentCheck:
        result, at = self._checker.check_document(self._blobs.get(document)), self._now()
        record = canonical.encode(
            {
                "format": CHECK_FORMAT,
                "salt": secrets.token_hex(SALT_BYTES),
                "contract": contract,
                "document": document,
                "rules": rules,
                "at": instant(at),
                "result": review.encode_result(result),
            }
        )
        return ContentCheck(contract, document, rules, result, record, hashlib.sha256(record).hexdigest(), at)

    def _missing(self, contract: Contract, made: ContentCheck) -> str:
        """The clauses that the type of *contract* requires and the text does not have."""
        kind = self.statuses.kind(contract.kind, self.statuses.policy.rules_for(contract.kind).review)
        return " ".join(clause for clause in kind.required if clause not in made.result.found)

    def _append_event(
        self,
        tx: Transaction,
        kind: EventKind,
        contract: str,
        by: str,
        public: Mapping[str, Field],
        **private: Field,
    ) -> None:
        append_event(tx, AuditEvent(kind, self._now(), by, contract, public, private))


def _sign_off(
    status: ReviewStatus, check: ContentCheck, waivers: tuple[Waiver, ...], *, by: str, at: datetime
) -> SignOff:
    record = canonical.encode(
        {
            "format": SIGN_OFF_FORMAT,
            "salt": secrets.token_hex(SALT_BYTES),
            "contract": check.contract,
            "document": check.document,
            "check": check.digest,
            "kind": status.kind.key,
            "required": list(status.kind.required),
            "reviewer": by,
            "at": instant(at),
            "waivers": [
                {"item": each.item, "reason": each.reason, "by": each.by, "at": instant(each.at)}
                for each in waivers
            ],
        }
    )
    return SignOff(check.contract, check.document, check.digest, status.kind.key, by, at, record)


def _current(waiting: WaitingReview) -> bool:
    contract = waiting.contract
    return contract.state is ContractState.DRAFT and contract.original.digest == waiting.request.document


def _own_draft(tx: Transaction, contract_id: str, by: str, seen: str | None) -> Contract:
    contract = contracts.load_contract(tx, contract_id)
    if contract.initiator != by:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    if contract.state is not ContractState.DRAFT:
        raise StateRefused("Only a draft is reviewed; this contract has gone out already.")
    if seen is not None and seen != contract.original.digest:
        raise StateRefused("The document was replaced since the page was opened; look at it again.")
    return contract


def _is_colleagues(tx: Transaction, contract: Contract, reviewer: str) -> bool:
    """Whether somebody else of the reviewer's organisation drafted *contract*."""
    audience = Audience.of_person(people.person(tx, reviewer))
    return contract.initiator != reviewer and Disclosure(tx, contract, audience).drafting


def _require_takers(status: ReviewStatus) -> None:
    problem = review_steps.problem_of(status.steps)
    if problem is not None:
        raise PreconditionRefused(problem.template, **problem.values)


def _is_reviewer(tx: Transaction, subject: str) -> bool:
    account = accounts.find_account(tx, subject)
    return account is not None and account.state is AccountState.ACTIVE and AccountRole.REVIEWER in account.roles


def _require_reviewer(tx: Transaction, subject: str) -> None:
    if not _is_reviewer(tx, subject):
        raise NotAllowed("Only people with the reviewer's role do this; an officer can give it.")


def _words(text: str) -> str:
    words = " ".join(text.split())
    if not 3 <= len(words) <= LONGEST_REASON:
        raise PreconditionRefused("Give a reason of 3 to {most} characters.", most=LONGEST_REASON)
    return words
