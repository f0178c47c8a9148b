"""Mail merges: a contract for each row of a list, made and sent by the scheduler, each at most once.

1. The list is checked whole before anything is made. In the portal nothing is kept of one with a fault; a batch of
   the API may have its good rows kept and its bad ones told.
2. Its owner has the drafts made, and sent, or both at once.
3. Each row first gets its contract's number, on disk; then the contract is made under that number, with its
   parties, in one transaction. Who goes on after an interruption looks whether it is there already.
4. A contract that was sent is never sent again.

A row that is refused keeps the reason, and does not stop the others. The work is done in ``merge_rounds``.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from appliance.acting_client import acting_client
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.filled_lists import read_list
from appliance.language import Language
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.mail_merge import (
    BatchOrder,
    FaultMode,
    ListProblem,
    MailMerge,
    MergeParties,
    MergeRow,
    MergeStage,
    RowState,
)
from appliance.model.template_parties import RoleKind
from appliance.model.writing import Template
from appliance.store import mail_merges as store
from appliance.store import people
from appliance.store.database import Database, Transaction
from appliance.writing.merge_lists import checked_list
from appliance.writing.merge_rows import CheckedList, checked_rows, remarks_by_row
from appliance.writing.texts import Templates

MOST_SHOWN: Final = 50
MOST_ON_A_PAGE: Final = 500
"""Rows that are given at once."""

_FAULTY: Final = "The list has faults; nothing was made of it."
_ID: Final = re.compile(r"[0-9a-f]{24}")


class ListRefused(PreconditionRefused, code="list-refused"):
    """A list has faults, and nothing was kept of it: ``problems``, the first of ``total``."""

    def __init__(self, found: CheckedList) -> None:
        super().__init__(_FAULTY)
        self.problems = tuple(found.problems)
        self.total = found.total


@dataclass(frozen=True, slots=True)
class MergeProgress:
    """How far a list is: how many of its rows are in each state."""

    merge: MailMerge
    counts: dict[RowState, int]

    @property
    def total(self) -> int:
        """The rows that were taken."""
        return sum(self.counts.values())

    @property
    def waits(self) -> int:
        """The rows that are still to be made."""
        return self.counts.get(RowState.WAITING, 0) + self.counts.get(RowState.MAKING, 0)

    @property
    def busy(self) -> bool:
        """Whether the scheduler has something to do."""
        unsent = self.merge.stage is MergeStage.SENDING and self.counts.get(RowState.DRAFT, 0) > 0
        return self.merge.stage is not MergeStage.REVIEW and (self.waits > 0 or unsent)


class MailMerges:
    """Thread-safe. *by* is the owner's subject everywhere. While an API client acts
    (:mod:`appliance.acting_client`), there are only the lists that it asked for; others are :class:`NotFound`."""

    def __init__(self, database: Database, cache: Path, templates: Templates, now: Callable[[], datetime]) -> None:
        self._database = database
        self._cache = cache
        self._templates = templates
        self._now = now

    def check(self, template_id: str, document: bytes, *, language: Language, by: str) -> CheckedList:
        """What the list *document* says for a template that is offered. Raises :class:`DocumentRefused`."""
        template = self._usable(template_id, by)
        return self._checked_document(template, document, language, by)

    def keep(self, template_id: str, found: CheckedList, parties: MergeParties, *, by: str) -> MailMerge:
        """The list, kept for review. Raises :class:`PreconditionRefused` for one with problems, or nobody who
        signs for this side."""
        if found.problems or not found.entries:
            raise PreconditionRefused(_FAULTY)
        template = self._templates.offered(template_id, by)
        merge = self._merge(BatchOrder(template_id, parties=parties, stage=MergeStage.REVIEW), template, by)
        self._database.commit(store.insert_merge, merge, _rows(found))
        return merge

    def create(self, order: BatchOrder, *, by: str) -> MailMerge:
        """The batch, for the client that acts, or for the person *by* alone. With an id that is known already, the
        batch that was asked for before, whatever has become of it.

        Raises :class:`ListRefused` for rows with faults, where not those without are to be kept, and where no row
        is without; :class:`StateRefused` for an id under which something else was asked for;
        :class:`DocumentRefused`, :class:`PreconditionRefused`, and :class:`NotFound` for a template that the
        person or the client does not reach.
        """
        if order.id is not None and not _ID.fullmatch(order.id):
            raise PreconditionRefused("The id of a batch has 24 hexadecimal digits.")
        digest = _digest(order)
        known = self._asked_before(order.id, digest, by)
        if known is not None:
            return known
        template = self._usable(order.template, by, listed=bool(order.document))
        if order.document:
            found = self._checked_document(template, order.document, order.language, by, referenced=True)
        else:
            found = checked_rows(order.rows, template, self._today(by))
        if not found.entries or (found.total and order.mode is FaultMode.ALL_OR_NOTHING):
            raise ListRefused(found)
        merge = self._merge(order, template, by, digest, len(found.bad))
        rows = _rows(found)
        with self._database.transaction() as tx:
            there = store.find_merge(tx, merge.id)
            if there is None:
                store.insert_merge(tx, merge, rows, found.problems)
                for stage, kind in _EVENTS.items():
                    if merge.stage in (stage, MergeStage.SENDING):
                        _record(tx, kind, merge, self._now(), len(rows))
                return store.load_merge(tx, merge.id)
        return _same(there, digest, by)

    def _asked_before(self, merge_id: str | None, digest: str, by: str) -> MailMerge | None:
        if merge_id is None:
            return None
        there = self._database.query(store.find_merge, merge_id)
        return None if there is None else _same(there, digest, by)

    def _usable(self, template_id: str, by: str, *, listed: bool = True) -> Template:
        """A template that is offered, all of whose parties can be had. *listed*: a list of columns names one party
        for each contract."""
        template = self._templates.offered(template_id, by)
        parties = template.current.parties
        if not parties.named_by_lists and (listed or not parties.open_roles):
            raise PreconditionRefused(
                "A list names one party for each contract, and this template leaves {count} open. Change its"
                " parties so that one is open.",
                count=len(parties.open_roles),
            )
        for closed in self._templates.closed_roles(parties).values():
            raise PreconditionRefused(closed.template, **closed.values)
        return template

    def _checked_document(
        self, template: Template, document: bytes, language: Language, by: str, *, referenced: bool = False
    ) -> CheckedList:
        sheet = read_list(self._cache, document)
        return checked_list(sheet, template, language, self._today(by), referenced=referenced)

    def _today(self, by: str) -> date:
        with self._database.reading() as tx:
            zone = people.person(tx, by).zone
        return self._now().astimezone(ZoneInfo(zone)).date()

    def _merge(
        self, order: BatchOrder, template: Template, by: str, digest: str | None = None, rejected: int = 0
    ) -> MailMerge:
        """What *order* asks for. Raises :class:`PreconditionRefused` where nobody signs for this side."""
        roles, parties, reach = template.current.parties.roles, order.parties, acting_client()
        if roles:
            parties = MergeParties(any(role.kind is RoleKind.SENDER for role in roles))
        elif not parties.signs and parties.seal is None:
            raise PreconditionRefused("Choose who signs for your side: you, a seal, or both.")
        return MailMerge(
            order.id or secrets.token_hex(12),
            by,
            template.id,
            template.current.number,
            order.stage,
            parties,
            self._now(),
            client=reach.client if reach else None,
            digest=digest,
            rejected=rejected,
        )

    def find(self, merge_id: str) -> MailMerge:
        """The batch, for the client that asked for it and acts now. Raises :class:`NotFound`."""
        merge, reach = self._database.query(store.load_merge, merge_id), acting_client()
        if reach is None or merge.client != reach.client:
            raise NotFound("There is no such list; it may have been removed.")
        return merge

    def load(self, merge_id: str, by: str) -> tuple[MailMerge, list[MergeRow]]:
        """With all rows. Raises :class:`NotFound` for everybody but the owner."""
        with self._database.reading() as tx:
            merge = _visible(tx, merge_id, by)
            return merge, store.rows_of(tx, merge_id)

    def progress(self, merge_id: str, by: str) -> MergeProgress:
        with self._database.reading() as tx:
            return MergeProgress(_visible(tx, merge_id, by), store.counts_of(tx, merge_id))

    def rows(
        self, merge_id: str, by: str, *, after: int = 0, most: int = MOST_ON_A_PAGE, state: RowState | None = None
    ) -> list[MergeRow]:
        """The next rows behind the one with the number *after*, at most *most*, in one *state* or in any."""
        with self._database.reading() as tx:
            _visible(tx, merge_id, by)
            return store.rows_after(tx, merge_id, after, min(most, MOST_ON_A_PAGE), state)

    def faults(self, merge_id: str, by: str, *, after: int = 0) -> list[tuple[int, ListProblem]]:
        """What was wrong with the rows that were left out, each with its place, behind the place *after*."""
        with self._database.reading() as tx:
            return store.faults_after(tx, _visible(tx, merge_id, by).id, after, MOST_ON_A_PAGE)

    def remarks(self, merge_id: str, by: str) -> int:
        """How many rows have a remark."""
        with self._database.reading() as tx:
            return store.count_remarks(tx, _visible(tx, merge_id, by).id)

    def mine(self, by: str) -> list[tuple[MailMerge, dict[RowState, int]]]:
        """The owner's newest lists, with how many of their rows are in each state."""
        with self._database.reading() as tx:
            return [(each, store.counts_of(tx, each.id)) for each in store.merges_of(tx, by, MOST_SHOWN)]

    def of_client(self, before: str | None = None, *, most: int = MOST_SHOWN) -> list[MailMerge]:
        """The newest batches of the client that acts, from behind the one with the id *before* on. Raises
        :class:`NotFound` when there is no such one."""
        reach = acting_client()
        if reach is None:
            return []
        last = None if before is None else self.find(before)
        return self._database.query(store.merges_of_client, reach.client, last, most)

    def make_all(self, merge_id: str, *, by: str) -> None:
        """Has the drafts made. Once more, it changes nothing."""
        self._go_on(merge_id, by, MergeStage.MAKING)

    def send_all(self, merge_id: str, *, by: str) -> None:
        """Has the drafts sent. Raises :class:`StateRefused` while some are still being made."""
        self._go_on(merge_id, by, MergeStage.SENDING)

    def _go_on(self, merge_id: str, by: str, stage: MergeStage) -> None:
        with self._database.transaction() as tx:
            merge, counts = _visible(tx, merge_id, by), store.counts_of(tx, merge_id)
            if merge.stage is stage:
                return
            if stage is MergeStage.SENDING and counts.keys() & {RowState.WAITING, RowState.MAKING}:
                raise StateRefused("The drafts are still being made; send them when all are there.")
            store.set_stage(tx, merge_id, stage)
            _record(tx, _EVENTS[stage], merge, self._now(), sum(counts.values()))

    def retry(self, merge_id: str, *, by: str) -> int:
        """Tries the rows again that were refused; how many."""
        with self._database.transaction() as tx:
            return store.retry_rows(tx, _visible(tx, merge_id, by).id)

    def cancel(self, merge_id: str, *, by: str) -> int:
        """What was not begun is not made any more; how many rows. Those that are in the making are finished."""
        with self._database.transaction() as tx:
            return store.cancel_rows(tx, _visible(tx, merge_id, by).id)

    def remove(self, merge_id: str, *, by: str) -> None:
        """Removes the list; what was made of it stays. Raises :class:`StateRefused` while it is worked on."""
        with self._database.transaction() as tx:
            merge, counts = _visible(tx, merge_id, by), store.counts_of(tx, merge_id)
            busy = counts.keys() & {RowState.WAITING, RowState.MAKING}
            if merge.stage is not MergeStage.REVIEW and busy:
                raise StateRefused("The drafts are still being made; remove the list afterwards.")
            store.remove_merge(tx, merge_id)


_EVENTS: Final = {MergeStage.MAKING: EventKind.MAIL_MERGE_MADE, MergeStage.SENDING: EventKind.MAIL_MERGE_SENT}


def _visible(tx: Transaction, merge_id: str, by: str) -> MailMerge:
    merge, reach = store.load_merge(tx, merge_id, by), acting_client()
    if reach is not None and merge.client != reach.client:
        raise NotFound("There is no such list; it may have been removed.")
    return merge


def _same(there: MailMerge, digest: str, by: str) -> MailMerge:
    """The batch that is *there*, if it is what is asked for once more. Raises :class:`StateRefused`."""
    reach = acting_client()
    if (there.owner, there.client, there.digest) != (by, reach.client if reach else None, digest):
        raise StateRefused("Something else was asked for under this id; choose another one.")
    return there


def _digest(order: BatchOrder) -> str:
    """Of what is asked for, without its id."""
    told = {**asdict(order), "document": hashlib.sha256(order.document).hexdigest(), "id": ""}
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def _rows(found: CheckedList) -> list[MergeRow]:
    called = {row: reference for reference, row in found.references.items()}
    return [
        MergeRow(row, entry, remark=remark, reference=called.get(row))
        for row, entry, remark in remarks_by_row(found)
    ]


def _record(tx: Transaction, kind: EventKind, merge: MailMerge, at: datetime, rows: int) -> None:
    public: dict[str, Field] = {
        "merge": merge.id,
        "template": merge.template,
        "number": merge.version,
        "rows": rows,
    }
    append_event(tx, AuditEvent(kind, at, merge.owner, None, public))
