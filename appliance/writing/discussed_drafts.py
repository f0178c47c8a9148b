"""What is discussed, and who may: one admission for texts and for contracts, and the log of what is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission, wrong_state
from appliance.errors import NotFound, PreconditionRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.ledger.disclosure import Audience, Disclosure
from appliance.model.contract import Contract, ContractState
from appliance.model.discussion import DraftKind
from appliance.model.notice import Notice, NoticeKind
from appliance.model.writing import Text, TextPurpose
from appliance.store import contracts, discussions, outbox, people
from appliance.store import writing as texts
from appliance.store.database import Transaction

MOST_COLLEAGUES = 50
"""People with whom one draft is shared."""


@dataclass(frozen=True, slots=True)
class DiscussedDraft:
    """A draft that the reader may discuss, or could while it was one (``open``). ``contract`` is the contract in
    whose history the acts stand, None for a text that is not used yet; ``own`` when it is the reader's."""

    kind: DraftKind
    id: str
    title: str
    owner: str
    own: bool
    open: bool
    contract: Contract | None
    text: Text | None

    def require_own(self) -> None:
        """Raises :class:`PreconditionRefused` for anybody but the one whose draft it is."""
        if not self.own:
            raise PreconditionRefused("Only the owner of the draft “{title}” can do this.", title=self.title)


CaseOf = Callable[[Transaction, str, str], Contract]
"""The contract (id) for somebody (subject) who was asked to review it; raises :class:`NotFound` for others."""


def open_draft(
    tx: Transaction, kind: DraftKind, draft: str, by: str, now: datetime, case_of: CaseOf, *, writes: bool = False
) -> DiscussedDraft:
    """The draft, for somebody who may discuss it: its owner, a colleague with whom it is shared, somebody who was
    asked to review it. Raises :class:`NotFound` for everybody else, and :class:`StateRefused` when somebody
    *writes* about a contract that is sent, or thrown away."""
    if kind is DraftKind.TEXT:
        return open_text(tx, draft, by)
    contract = _admitted(tx, Command(draft, Permission.COMMENT if writes else Permission.READ, by, now), case_of)
    own, is_open = contract.initiator == by, contract.state is ContractState.DRAFT
    return DiscussedDraft(kind, draft, contract.title, contract.initiator, own, is_open, contract, None)


def _admitted(tx: Transaction, command: Command, case_of: CaseOf) -> Contract:
    """The contract, for somebody of the house who is admitted, or who was asked to review it."""
    by = str(command.by)
    with suppress(NotFound, PreconditionRefused):
        contract = admit(tx, command)
        if Disclosure(tx, contract, Audience.of_person(people.person(tx, by))).drafting:
            return contract
    contract = case_of(tx, command.contract, by)
    if command.permission is Permission.COMMENT and contract.state is not ContractState.DRAFT:
        raise wrong_state(contract, Permission.COMMENT).error()
    return contract


def open_text(tx: Transaction, text_id: str, by: str) -> DiscussedDraft:
    """The text, for its owner and colleagues with whom it is shared. Raises :class:`NotFound` for others."""
    text = texts.text(tx, text_id)
    shared = by in discussions.colleagues(tx, DraftKind.TEXT, text_id)
    if text.purpose is not TextPurpose.CONTRACT or (text.owner != by and not shared):
        raise NotFound("There is no such text; it may have been thrown away.")
    contract = None if text.contract is None else contracts.load_contract(tx, text.contract)
    used = contract if contract is not None and contract.state is ContractState.DRAFT else None
    title = text.wording.title
    return DiscussedDraft(DraftKind.TEXT, text_id, title, text.owner, text.owner == by, True, used, text)


def record(
    tx: Transaction, draft: DiscussedDraft, kind: EventKind, by: str, at: datetime, **public: Field
) -> None:
    """The log entry of an act in the discussion: never what somebody wrote, which is kept with the draft alone. A
    text that no contract was made of stands in no history."""
    if draft.contract is not None:
        append_event(tx, AuditEvent(kind, at, by, draft.contract.id, public))


def share(tx: Transaction, draft: DiscussedDraft, person: str, by: str, at: datetime) -> None:
    """*person*, a colleague of the owner, may read and discuss the draft, and is told. Raises
    :class:`PreconditionRefused`."""
    draft.require_own()
    _require_colleague(tx, draft, person)
    if discussions.share(tx, draft.kind, draft.id, person, at):
        record(tx, draft, EventKind.DRAFT_SHARED, by, at, recipient=person)
        contract = draft.id if draft.kind is DraftKind.CONTRACT else None
        outbox.enqueue(tx, Notice(contract, person, NoticeKind.DRAFT_SHARED, at, draft.id))


def unshare(tx: Transaction, draft: DiscussedDraft, person: str, by: str, at: datetime) -> None:
    """*person* reads it no more; what they wrote stays."""
    draft.require_own()
    if discussions.unshare(tx, draft.kind, draft.id, person):
        record(tx, draft, EventKind.DRAFT_UNSHARED, by, at, recipient=person)


def _require_colleague(tx: Transaction, draft: DiscussedDraft, subject: str) -> None:
    person, owner = people.person(tx, subject), people.person(tx, draft.owner)
    if subject == draft.owner:
        raise PreconditionRefused("It is your own draft.")
    if Audience.of_person(person) != Audience.of_person(owner) or not people.is_active(tx, subject):
        raise PreconditionRefused(
            "{name} is not a colleague with an active account; a draft is shared within the organisation only.",
            name=person.name,
        )
    if len(discussions.colleagues(tx, draft.kind, draft.id)) >= MOST_COLLEAGUES:
        raise PreconditionRefused("A draft is shared with at most {most} people.", most=MOST_COLLEAGUES)
