"""Retention: legal holds, the disposal of what has outlived its term, the erasure of personal data.

Documents and personal data are removed; log entries stay valid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Final, Generic, TypeVar

from appliance.contracts.rules import require_reason
from appliance.documents.blobs import BlobStore
from appliance.documents.page_pictures import PagePictures
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.accounts import AccountState
from appliance.model.contract import Contract, ContractState
from appliance.model.retention import Disposal, DisposalState, EndedContract, ErasureRemainder, LegalHold
from appliance.policy import Policy
from appliance.store import annexes, contracts, members, people, retention
from appliance.store.database import Database, Transaction

KEPT_LONGER: Final = frozenset({ContractState.COMPLETED, ContractState.VOIDED})
"""What was signed by everybody, voided later or not: ``retention.years``."""

ENDED: Final = KEPT_LONGER | {
    ContractState.DECLINED,
    ContractState.RECALLED,
    ContractState.EXPIRED,
    ContractState.DISCARDED,
}
"""States in which nothing more happens by itself; the others are running."""


def with_retention_term(ended: EndedContract, policy: Policy) -> EndedContract:
    """*ended* with the moment until which the policy for its type keeps it; None for ever."""
    rules = policy.rules_for(ended.kind).retention
    years = rules.years if ended.state in KEPT_LONGER else rules.ended_years
    return replace(ended, until=None if years == 0 else years_after(ended.since, years))


def years_after(moment: datetime, years: int) -> datetime:
    """The same day and time *years* later; the 29th of February becomes the 1st of March, never a day early."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def shortest_term(policy: Policy) -> int | None:
    """The fewest years after which anything may go; None when all is kept for ever."""
    every = [policy.default, *(entry.rules for entry in policy.types)]
    terms = [years for rules in every for years in (rules.retention.years, rules.retention.ended_years)]
    return min((years for years in terms if years), default=None)


PAGE = 50
_BATCH = 200
SETTLED = timedelta(hours=1)
"""How long nobody may have put the same bytes again before a blob is removed."""

ABANDONED = timedelta(days=1)
"""How long bytes may wait for the record that they belong to: far longer than any request takes."""


Retained = TypeVar("Retained")


class Disposals(ABC, Generic[Retained]):
    """Legal holds, placed and lifted by officers; disposals, proposed by one officer and done by another if
    ``retention.second_person`` demands it: of one kind of what is retained. Each is one transaction.
    Thread-safe."""

    _kind: ClassVar[retention.RetainedKind]

    def __init__(self, database: Database, policy: Policy, now: Callable[[], datetime]) -> None:
        self._database = database
        self._policy = policy
        self._now = now

    def list_holds(self) -> Sequence[LegalHold]:
        """Those that stand, the newest first."""
        return self._database.query(retention.open_holds, of=self._kind)

    def list_disposals(self, state: DisposalState, *, limit: int = 200) -> Sequence[Disposal]:
        """Those in *state*."""
        return self._database.query(retention.disposals, state, limit=limit, of=self._kind)

    def propose_disposal(self, number: str, *, reason: str, by: str) -> Disposal:
        """The proposal; done at once where one officer is enough.

        Raises :class:`NotFound`; :class:`PreconditionRefused` while it runs, is held, or has to be kept;
        :class:`StateRefused` when it is proposed or disposed of already.
        """
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            retained = self._disposable(tx, number, now)
            proposal = Disposal(number, words, DisposalState.PROPOSED, now, by)
            retention.propose(tx, proposal, of=self._kind)
            append_event(tx, self._event(EventKind.DISPOSAL_PROPOSED, now, by, number, words))
            if not self._policy.default.retention.second_person:
                self._end(tx, retained, number, by, now)
            return retention.disposal(tx, number, of=self._kind)

    def confirm_disposal(self, number: str, *, by: str) -> Disposal:
        """Another officer does what was proposed. Raises as :meth:`propose_disposal`, and for the proposer."""
        now = self._now()
        with self._database.transaction() as tx:
            proposal = retention.disposal(tx, number, of=self._kind)
            if proposal.state is not DisposalState.PROPOSED:
                raise StateRefused("This proposal has been answered already; look at what became of it.")
            if proposal.proposed_by == by:
                raise PreconditionRefused("Another officer confirms the disposal, not the one who proposed it.")
            self._end(tx, self._disposable(tx, number, now), number, by, now)
            return retention.disposal(tx, number, of=self._kind)

    def refuse_disposal(self, number: str, *, reason: str, by: str) -> None:
        """The proposal ends and everything stays. Raises :class:`StateRefused` when it was answered already."""
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            retention.end(tx, number, DisposalState.REFUSED, at=now, by=by, of=self._kind)
            append_event(tx, self._event(EventKind.DISPOSAL_REFUSED, now, by, number, words))

    def place_hold(self, number: str, *, reason: str, by: str) -> None:
        """Raises :class:`NotFound`, :class:`PreconditionRefused` without a reason, or :class:`StateRefused` when
        one stands already or it was disposed of."""
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            self._require_known(tx, number)
            retention.require_there(tx, number, of=self._kind)
            retention.place_hold(tx, LegalHold(number, words, now, by), of=self._kind)
            append_event(tx, self._event(EventKind.HOLD_PLACED, now, by, number, words))

    def lift_hold(self, number: str, *, reason: str, by: str) -> None:
        """Raises :class:`PreconditionRefused` without a reason, :class:`StateRefused` when none stands."""
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            retention.lift_hold(tx, number, at=now, by=by, because=words, of=self._kind)
            append_event(tx, self._event(EventKind.HOLD_LIFTED, now, by, number, words))
            self._after_lifting(tx, number)

    def _after_lifting(self, tx: Transaction, number: str) -> None:
        """What is to be done when a hold is lifted: nothing, unless a kind says otherwise."""

    def _end(self, tx: Transaction, retained: Retained, number: str, by: str, now: datetime) -> None:
        entry = self._dispose(tx, retained, by, now)
        retention.end(tx, number, DisposalState.DONE, at=now, by=by, entry=entry, of=self._kind)

    @abstractmethod
    def _event(self, kind: EventKind, at: datetime, by: str, number: str, reason: str) -> AuditEvent:
        """What the log says of an officer's act."""

    @abstractmethod
    def _require_known(self, tx: Transaction, number: str) -> None:
        """Raises :class:`NotFound` for what there is not."""

    @abstractmethod
    def _disposable(self, tx: Transaction, number: str, now: datetime) -> Retained:
        """What may go. Raises :class:`NotFound`, or :class:`PreconditionRefused` for what stays."""

    @abstractmethod
    def _dispose(self, tx: Transaction, retained: Retained, by: str, now: datetime) -> int:
        """It goes; the number of the log's entry about that."""


def require_not_held(tx: Transaction, number: str, *, of: retention.RetainedKind) -> None:
    """Raises :class:`PreconditionRefused` for what is under a legal hold."""
    if retention.is_held(tx, number, of=of):
        raise PreconditionRefused("{number} is under a legal hold; lift the hold first.", number=number)


class RetentionService(Disposals[Contract]):
    """Of contracts; and erasures of people.

    Blobs are removed after the commit, by :meth:`remove_doomed_blobs`. It may be interrupted at any point and is
    simply run again.
    """

    _kind = retention.CONTRACTS

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        pictures: PagePictures,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        """*pictures* are those that are made of the documents in *blobs*."""
        super().__init__(database, policy, now)
        self._blobs = blobs
        self._pictures = pictures
        self._shelf = 0

    def list_due(self) -> tuple[EndedContract, ...]:
        """Contracts whose time is over, the oldest first, without those that are held."""
        least = shortest_term(self._policy)
        if least is None:
            return ()
        now = self._now()
        with self._database.reading() as tx:
            return tuple(islice(self._over(tx, now, years_after(now, -least)), PAGE))

    def _over(self, tx: Transaction, now: datetime, before: datetime) -> Iterator[EndedContract]:
        after = ("", "")
        while batch := retention.ended(tx, before, after=after, limit=_BATCH):
            for place, ended in batch:
                after = place
                termed = with_retention_term(ended, self._policy)
                if termed.until is not None and termed.until <= now:
                    yield termed

    def remove_doomed_blobs(self) -> int:
        """Removes blobs that only disposed contracts had, with the pictures of their pages; how many. What is used
        again by then stays."""
        removed = 0
        before = self._now() - SETTLED
        digests = self._database.query(retention.marked_for_removal, limit=100)
        for digest in digests:
            with self._database.transaction() as tx:
                if retention.is_needed(tx, digest):
                    retention.unmark_for_removal(tx, digest)
                elif self._blobs.remove(digest, untouched_since=before):
                    self._pictures.forget(digest)
                    retention.unmark_for_removal(tx, digest)
                    removed += 1
        if removed:
            self._database.commit(retention.overwrite_words)
        return removed

    def remove_ownerless_blobs(self) -> int:
        """Removes blobs that nothing ever came to need: their process died, or refused, between bytes and record.

        Each call looks through the next 256th part of all; how many were removed.
        """
        before = self._now() - ABANDONED
        shelf, self._shelf = self._shelf, (self._shelf + 1) % 256
        removed = 0
        for digest in self._blobs.digests_with_prefix(shelf, untouched_since=before):
            needed = self._database.query(retention.is_needed, digest)
            if not needed:
                with self._database.transaction() as tx:
                    if not retention.is_needed(tx, digest) and self._blobs.remove(digest, untouched_since=before):
                        self._pictures.forget(digest)
                        removed += 1
        return removed

    def _disposable(self, tx: Transaction, number: str, now: datetime) -> Contract:
        contract_id = number
        contract = contracts.load_contract(tx, contract_id)
        retention.require_there(tx, contract_id)
        if contract.state not in ENDED:
            raise PreconditionRefused("Contract {contract} is not at its end yet; it stays.", contract=contract_id)
        require_not_held(tx, contract_id, of=self._kind)
        if retention.carries_power(tx, contract_id):
            raise PreconditionRefused(
                "A power of attorney rests on contract {contract}; it stays as evidence of it.",
                contract=contract_id,
            )
        until = with_retention_term(retention.one_ended(tx, contract_id), self._policy).until
        if until is None:
            raise PreconditionRefused(
                "Policy keeps contracts of this type for ever; {contract} stays.", contract=contract_id
            )
        if now < until:
            raise PreconditionRefused(
                "Contract {contract} has to be kept until {until}; it stays until then.",
                contract=contract_id,
                until=until,
            )
        return contract

    def _event(self, kind: EventKind, at: datetime, by: str, number: str, reason: str) -> AuditEvent:
        return AuditEvent(kind, at, by, number, {}, {"reason": reason})

    def _require_known(self, tx: Transaction, number: str) -> None:
        contracts.load_contract(tx, number)

    def _dispose(self, tx: Transaction, retained: Contract, by: str, now: datetime) -> int:
        contract = retained
        public = {"digest": contract.current.digest, "base": contract.original.digest}
        event = AuditEvent(EventKind.CONTRACT_DISPOSED, now, by, contract.id, public)
        entry = append_event(tx, event)
        contracts.touch(tx, contract.id, kind=event.kind, actor=by, at=now)
        digests = [revision.digest for revision in contract.revisions]
        digests += [annex.digest for annex in annexes.annexes_of(tx, contract.id)]
        retention.mark_for_removal(tx, digests, since=now)
        contracts.forget_entered_number(tx, contract)
        retention.forget_contract(tx, contract.id)
        return entry

    def remainder(self, subject: str) -> ErasureRemainder:
        """What would stay of *subject*. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            people.person(tx, subject)
            ended = tuple(with_retention_term(each, self._policy) for each in retention.ended_of(tx, subject))
            return ErasureRemainder(
                subject,
                ended,
                tuple(retention.running_of(tx, subject)),
                tuple(each.contract for each in ended if retention.is_held(tx, each.contract)),
            )

    def erase_person(self, subject: str, *, reason: str, by: str) -> ErasureRemainder:
        """Erases what may go; what stays, as :meth:`remainder`.

        Raises :class:`NotFound`; :class:`PreconditionRefused` without a reason, while the person has an open
        account or is in the organisation's directory, while a contract runs in which they act, or while one of
        theirs is under a legal hold: what was checked of a person is evidence, too.
        """
        words, now = require_reason(reason), self._now()
        remainder = self.remainder(subject)
        entries = self._database.query(retention.entries_about, subject)
        with self._database.transaction() as tx:
            entry = members.member_entry(tx, subject)
            if entry is not None and entry.state not in (None, AccountState.LEFT):
                raise PreconditionRefused("{subject} still has an account; let them leave first.", subject=subject)
            if retention.is_in_directory(tx, subject):
                raise PreconditionRefused(
                    "The organisation's directory still has {subject}, who would come back; have the user removed"
                    " there first.",
                    subject=subject,
                )
            if retention.running_of(tx, subject):
                raise PreconditionRefused(
                    "{subject} acts in contracts that are not at their end; hand them over or end them first.",
                    subject=subject,
                )
            held = [
                each.contract for each in retention.ended_of(tx, subject) if retention.is_held(tx, each.contract)
            ]
            if held:
                raise PreconditionRefused(
                    "{subject} acts in contract {contract}, which is under a legal hold; lift the hold first.",
                    subject=subject,
                    contract=held[0],
                )
            for capture in retention.held_captures_of(tx, subject):
                raise PreconditionRefused(
                    "Web capture {capture}, which {subject} ordered, is under a legal hold; lift the hold first.",
                    capture=capture,
                    subject=subject,
                )
            erased = retention.forget_openings(tx, entries)
            retention.forget_person(tx, subject, name_too=not retention.ended_of(tx, subject))
            public: dict[str, Field] = {
                "subject": subject,
                "entries": erased,
                "contracts": len(remainder.contracts),
            }
            event = AuditEvent(EventKind.PERSONAL_DATA_ERASED, now, by, None, public, {"reason": words})
            append_event(tx, event)
        return remainder
