"""What is discussed, and who may: one admission for texts and for contracts, and the log of what is done; comments
on the places of a draft, their answers, and which of them are resolved."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission, wrong_state
from appliance.entered_text import require_text
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.ledger.disclosure import Audience, Disclosure
from appliance.model.contract import Contract, ContractState
from appliance.model.discussion import Comment, CommentThread, DraftKind, KeptVersion, SharedDraft
from appliance.model.notice import Notice, NoticeKind
from appliance.model.writing import Text, TextPurpose
from appliance.store import contracts, discussions, outbox, people
from appliance.store import writing as texts
from appliance.store.database import Database, Transaction
from appliance.writing.redlines import lines_of

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


LONGEST: Final = 2000
"""Characters of a comment."""

MOST: Final = 1000
"""Comments and answers on one draft."""

MOST_SHOWN = 200
"""Drafts in one list."""

LONGEST_QUOTE = 80
"""Characters of a paragraph that are kept with a comment, to know it again."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """A draft with what was said of it: the threads by place (0: the whole, or a paragraph that is no longer
    there), in the order of the text; ``lines`` are the paragraphs of a text."""

    draft: DiscussedDraft
    threads: dict[int, list[CommentThread]]
    colleagues: tuple[str, ...]
    versions: list[KeptVersion]
    lines: tuple[str, ...]

    @property
    def unresolved(self) -> int:
        return sum(thread.open for threads in self.threads.values() for thread in threads)


class Discussions:
    """``by`` is who acts; whoever may not discuss a draft is told that there is none (:class:`NotFound`). What is
    said of a contract counts as no change of it: whoever has it open goes on. *case_of* knows who was asked to
    review a contract. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime], case_of: CaseOf) -> None:
        self._database = database
        self._now = now
        self._case_of = case_of

    def load(self, kind: DraftKind, draft_id: str, by: str) -> Discussion:
        """The draft with everything that was said of it."""
        with self._database.reading() as tx:
            draft = open_draft(tx, kind, draft_id, by, self._now(), self._case_of)
            lines = () if draft.text is None else lines_of(draft.text.wording.html)
            threads = _threads(discussions.comments_of(tx, kind, draft_id))
            return Discussion(
                draft,
                _by_place(threads, None if draft.text is None else lines),
                discussions.colleagues(tx, kind, draft_id),
                discussions.versions(tx, draft_id) if kind is DraftKind.TEXT else [],
                lines,
            )

    def shared_with(self, by: str) -> list[SharedDraft]:
        """The drafts that *by* was asked to discuss, the last one first."""
        return self._database.query(discussions.shared_with, by, MOST_SHOWN)

    def unresolved(self, contract_id: str) -> int:
        """How many comments on a contract that the caller was admitted to, and on its text, are not resolved."""
        return self._database.query(discussions.unresolved, contract_id)

    def share(self, kind: DraftKind, draft_id: str, person: str, *, by: str) -> None:
        """The owner lets *person* read and discuss the draft. Raises :class:`PreconditionRefused` for anybody but
        an active colleague."""
        with self._database.transaction() as tx:
            share(
                tx,
                open_draft(tx, kind, draft_id, by, self._now(), self._case_of, writes=True),
                person,
                by,
                self._now(),
            )

    def unshare(self, kind: DraftKind, draft_id: str, person: str, *, by: str) -> None:
        with self._database.transaction() as tx:
            unshare(tx, open_draft(tx, kind, draft_id, by, self._now(), self._case_of), person, by, self._now())

    def comment(
        self, kind: DraftKind, draft_id: str, place: int, words: str, *, by: str, quote: str = ""
    ) -> Comment:
        """A comment on a place: a page, or a paragraph of which *quote* is what the page showed. When the text has
        changed meanwhile, the comment goes with the paragraph. Raises :class:`PreconditionRefused`."""
        words = _tidy(words)
        with self._database.transaction() as tx:
            draft = open_draft(tx, kind, draft_id, by, self._now(), self._case_of, writes=True)
            place, quote = _place(draft, place, quote)
            return self._add(tx, draft, Comment(secrets.token_hex(12), None, place, quote, words, by, self._now()))

    def answer(self, kind: DraftKind, draft_id: str, comment_id: str, words: str, *, by: str) -> Comment:
        """An answer to a comment. Raises :class:`PreconditionRefused`, :class:`NotFound`."""
        words = _tidy(words)
        with self._database.transaction() as tx:
            draft = open_draft(tx, kind, draft_id, by, self._now(), self._case_of, writes=True)
            first = _first(discussions.comments_of(tx, kind, draft_id), comment_id)
            answer = Comment(secrets.token_hex(12), first.id, first.place, "", words, by, self._now())
            return self._add(tx, draft, answer)

    def resolve(self, kind: DraftKind, draft_id: str, comment_id: str, *, by: str, again: bool = False) -> None:
        """The comment is settled; with *again* it is open once more. Raises :class:`PreconditionRefused` for
        anybody but its author and the owner of the draft, :class:`StateRefused` when somebody was faster."""
        with self._database.transaction() as tx:
            draft = open_draft(tx, kind, draft_id, by, self._now(), self._case_of, writes=True)
            comment = _first(discussions.comments_of(tx, kind, draft_id), comment_id)
            if by not in (comment.author, draft.owner):
                raise PreconditionRefused("Only its author and the owner of the draft can resolve a comment.")
            now = self._now()
            done = None if again else now
            if not discussions.resolve(tx, comment.id, by=None if again else by, at=done):
                raise StateRefused("This has already been done to the comment.")
            event = EventKind.COMMENT_OPENED if again else EventKind.COMMENT_RESOLVED
            record(tx, draft, event, by, now, comment=comment.id)

    def _add(self, tx: Transaction, draft: DiscussedDraft, comment: Comment) -> Comment:
        if len(discussions.comments_of(tx, draft.kind, draft.id)) >= MOST:
            raise PreconditionRefused(
                "A draft has at most {most} comments; settle what is open, and go on in person.", most=MOST
            )
        discussions.insert_comment(tx, draft.kind, draft.id, comment)
        record(tx, draft, EventKind.COMMENT_WRITTEN, comment.author, comment.at, comment=comment.id)
        return comment


def _tidy(words: str) -> str:
    return require_text(
        words.replace("\r\n", "\n"),
        missing="Write what you have to say.",
        too_long="A comment has at most {most} characters; put more into a document of its own.",
        most=LONGEST,
    )


def quote_of(line: str) -> str:
    """By what a paragraph is known again."""
    return line.strip()[:LONGEST_QUOTE]


def _place(draft: DiscussedDraft, place: int, quote: str) -> tuple[int, str]:
    """The place as it is now, with its quote. Raises :class:`PreconditionRefused` for none."""
    if draft.text is not None:
        lines = lines_of(draft.text.wording.html)
        if not quote or place == 0:
            return 0, ""
        return _found(lines, place, quote[:LONGEST_QUOTE]), quote[:LONGEST_QUOTE]
    if draft.contract is not None and place > draft.contract.pages:
        raise PreconditionRefused("The document has no page {page}; choose another one.", page=place)
    return place, ""


def _found(lines: Sequence[str], place: int, quote: str) -> int:
    """The place of the paragraph that begins with *quote*, nearest to *place*; 0 when it is no longer there."""
    return _nearest(_places(lines).get(quote, ()), place)


def _places(lines: Sequence[str]) -> Mapping[str, list[int]]:
    """Where paragraphs begin with each quote."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(lines, 1):
        found[quote_of(line)].append(at)
    return found


def _nearest(places: Sequence[int], place: int) -> int:
    return min(places, key=lambda at: abs(at - place), default=0)


def _threads(comments: Sequence[Comment]) -> list[CommentThread]:
    answers: dict[str, list[Comment]] = defaultdict(list)
    for comment in comments:
        if comment.answers is not None:
            answers[comment.answers].append(comment)
    return [CommentThread(each, tuple(answers[each.id])) for each in comments if each.answers is None]


def _by_place(threads: Sequence[CommentThread], lines: Sequence[str] | None) -> dict[int, list[CommentThread]]:
    found: dict[int, list[CommentThread]] = defaultdict(list)
    places = _places(lines or ())
    for thread in threads:
        first = thread.first
        moves = lines is not None and first.quote
        place = _nearest(places.get(first.quote, ()), first.place) if moves else first.place
        found[place].append(thread)
    return dict(sorted(found.items()))


def _first(comments: Sequence[Comment], comment_id: str) -> Comment:
    for comment in comments:
        if comment.id == comment_id and comment.answers is None:
            return comment
    raise NotFound("There is no such comment.")
