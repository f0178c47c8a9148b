"""Mail merges: a contract for each row of a list, made and sent by the scheduler, each at most once.

1. The list is read in a confined process and checked whole; nothing is kept of one with a fault.
2. Its owner looks at the rows, and has the drafts made.
3. Each row first gets its contract's number, on disk; then the contract is made under that number, with its
   parties, in one transaction. Who goes on after an interruption looks whether it is there already.
4. The owner has the drafts sent, all at once; a contract that was sent is never sent again.

A row that is refused keeps the reason, and does not stop the others.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from appliance.confinement.jobs import LISTS
from appliance.confinement.pool import Confinement
from appliance.contracts.access import Command, admit
from appliance.contracts.draft_rules import END_OF_WORK, DraftTerms
from appliance.contracts.drafting import Drafting
from appliance.contracts.permissions import Permission
from appliance.contracts.sending import Sending
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused
from appliance.language import Language, instants
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.contract import Contract, ContractState, Deadline
from appliance.model.mail_merge import MailMerge, MergeEntry, MergeParties, MergeRow, MergeStage, RowState
from appliance.model.template_parties import RoleKind, TemplateRole
from appliance.money import read_money
from appliance.store import mail_merges as store
from appliance.store import people
from appliance.store.database import Database, Transaction
from appliance.workbooks import ReadSheet
from appliance.writing.merge_lists import CURRENCY, CheckedList, checked_list, remarks_by_row
from appliance.writing.pages import typeset_filled
from appliance.writing.texts import Templates
from hsm.errors import Sentence

KEPT: Final = timedelta(days=30)
"""How long a list is kept; the contracts stay."""

MOST_SHOWN: Final = 50
ROUND: Final = 5.0
"""Seconds for which one round of the scheduler goes on."""


class MailMerges:
    """Thread-safe. One scheduler runs the rounds. *by* is the owner's subject everywhere."""

    def __init__(
        self,
        database: Database,
        cache: Path,
        templates: Templates,
        workflows: tuple[Drafting, Sending],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._cache = cache
        self._templates = templates
        self._drafting, self._sending = workflows
        self._now = now
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)

    def check(self, template_id: str, document: bytes, *, language: Language, by: str) -> CheckedList:
        """What the list *document* says for a template that is offered. Raises :class:`DocumentRefused`."""
        template = self._templates.offered(template_id, by)
        if not template.current.parties.named_by_lists:
            raise PreconditionRefused(
                "A list names one party for each contract, and this template leaves {count} open. Change its"
                " parties so that one is open.",
                count=len(template.current.parties.open_roles),
            )
        for closed in self._templates.closed_roles(template.current.parties).values():
            raise PreconditionRefused(closed.template, **closed.values)
        with Confinement(self._cache, warm=1, jobs=LISTS, warm_up=()) as confinement:
            sheet = confinement.process(ReadSheet, "workbook.read", document=document)
        with self._database.reading() as tx:
            zone = people.person(tx, by).zone
        return checked_list(sheet, template, language, self._now().astimezone(ZoneInfo(zone)).date())

    def keep(self, template_id: str, found: CheckedList, parties: MergeParties, *, by: str) -> MailMerge:
        """The list, kept for review. Raises :class:`PreconditionRefused` for one with problems, or nobody who
        signs for this side."""
        if found.problems or not found.entries:
            raise PreconditionRefused("The list has faults; nothing was made of it.")
        template, now = self._templates.offered(template_id, by), self._now()
        kept = template.current.parties
        if kept.roles:
            parties = MergeParties(any(role.kind is RoleKind.SENDER for role in kept.roles))
        elif not parties.signs and parties.seal is None:
            raise PreconditionRefused("Choose who signs for your side: you, a seal, or both.")
        number, review = template.current.number, MergeStage.REVIEW
        merge = MailMerge(secrets.token_hex(12), by, template_id, number, review, parties, now)
        rows = [MergeRow(row, entry, remark=remark) for row, entry, remark in remarks_by_row(found)]
        with self._database.transaction() as tx:
            store.insert_merge(tx, merge, rows)
        return merge

    def load(self, merge_id: str, by: str) -> tuple[MailMerge, list[MergeRow]]:
        """Raises :class:`NotFound` for everybody but the owner."""
        with self._database.reading() as tx:
            merge = store.load_merge(tx, merge_id, by)
            return merge, store.rows_of(tx, merge_id)

    def mine(self, by: str) -> list[tuple[MailMerge, dict[RowState, int]]]:
        """The owner's newest lists, with how many of their rows are in each state."""
        with self._database.reading() as tx:
            return [(each, store.counts_of(tx, each.id)) for each in store.merges_of(tx, by, MOST_SHOWN)]

    def make_all(self, merge_id: str, *, by: str) -> None:
        """Has the drafts made. Once more, it changes nothing."""
        self._go_on(merge_id, by, MergeStage.MAKING)

    def send_all(self, merge_id: str, *, by: str) -> None:
        """Has the drafts sent. Raises :class:`StateRefused` while some are still being made."""
        self._go_on(merge_id, by, MergeStage.SENDING)

    def _go_on(self, merge_id: str, by: str, stage: MergeStage) -> None:
        with self._database.transaction() as tx:
            merge, counts = store.load_merge(tx, merge_id, by), store.counts_of(tx, merge_id)
            if merge.stage is stage:
                return
            if stage is MergeStage.SENDING and counts.keys() & {RowState.WAITING, RowState.MAKING}:
                raise StateRefused("The drafts are still being made; send them when all are there.")
            store.set_stage(tx, merge_id, stage)
            kind = EventKind.MAIL_MERGE_MADE if stage is MergeStage.MAKING else EventKind.MAIL_MERGE_SENT
            _record(tx, kind, merge, self._now(), sum(counts.values()))

    def retry(self, merge_id: str, *, by: str) -> None:
        """Tries the rows again that were refused."""
        with self._database.transaction() as tx:
            store.retry_rows(tx, store.load_merge(tx, merge_id, by).id)

    def remove(self, merge_id: str, *, by: str) -> None:
        """Removes the list; what was made of it stays. Raises :class:`StateRefused` while it is worked on."""
        with self._database.transaction() as tx:
            merge, counts = store.load_merge(tx, merge_id, by), store.counts_of(tx, merge_id)
            busy = counts.keys() & {RowState.WAITING, RowState.MAKING}
            if merge.stage is not MergeStage.REVIEW and busy:
                raise StateRefused("The drafts are still being made; remove the list afterwards.")
            store.remove_merge(tx, merge_id)

    def run_round(self, seconds: float = ROUND) -> int:
        """Makes and sends for so many *seconds*; how many rows were settled. Raises what the authority or the
        database raise: the row stays as it is, and the next round goes on with it."""
        self._database.commit(_forget_old, self._now() - KEPT)
        until, settled = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            found = self._database.query(self._next)
            if found is None:
                return settled
            self._settle(*found)
            settled += 1
        return settled

    def _next(self, tx: Transaction) -> tuple[MailMerge, MergeRow] | None:
        """A row of the owner, and of that owner's list, who had none for the longest time: a long list holds up
        nobody else's, and no other one of its owner's."""
        waiting, served = store.open_merges(tx), self._served
        if not waiting:
            served.clear()
            return None
        merge, owner = min(waiting, key=lambda each: (served.get(each[1], 0), served.get(each[0], 0)))
        served[merge] = served[owner] = next(self._turns)
        return store.next_row(tx, merge)

    def _settle(self, merge: MailMerge, row: MergeRow) -> None:
        try:
            if row.state is RowState.DRAFT:
                self._send(merge, row)
            else:
                self._make(merge, row)
        except ApplianceError as refusal:
            said = Sentence(refusal.template, refusal.values)
            self._database.commit(store.settle_row, merge.id, row.number, RowState.FAILED, said)

    def _make(self, merge: MailMerge, row: MergeRow) -> None:
        number = self._database.commit(store.begin_row, merge.id, row.number, secrets.token_hex(12))
        with self._database.reading() as tx:
            zone = people.person(tx, merge.owner).zone
            contract = self._known(tx, merge, number)
        if contract is None:
            contract = self._draft(merge, row.entry, number, zone)
        sent = contract.state is not ContractState.DRAFT
        self._database.commit(store.settle_row, merge.id, row.number, RowState.SENT if sent else RowState.DRAFT)

    def _draft(self, merge: MailMerge, entry: MergeEntry, number: str, zone: str) -> Contract:
        """The draft with its parties, in one transaction."""
        template = self._templates.load_template(merge.template, merge.owner)
        version = self._templates.version(merge.template, merge.version, merge.owner)
        day = date.fromisoformat(entry.deadline) if entry.deadline else None
        terms = DraftTerms(
            entry.title,
            template.kind,
            entry.title,
            initiator=merge.owner,
            deadline=None if day is None else Deadline(instants.on(day, END_OF_WORK, zone), zone),
            amount=read_money(entry.amount, CURRENCY) if entry.amount else None,
            language=template.language,
        )
        if not version.parties.roles:
            version = replace(version, parties=replace(version.parties, roles=_roles_of(merge.parties)))
        named = self._templates.values_of_roles(version, [entry.guest], merge.owner)
        document = typeset_filled(version.wording, {**entry.values, **named})
        return self._drafting.draft(
            document, terms, parties=version.parties, guests=[entry.guest], as_contract=number
        )

    def _send(self, merge: MailMerge, row: MergeRow) -> None:
        number = row.contract or ""
        with self._database.reading() as tx:
            contract = self._known(tx, merge, number)
        if contract is not None and contract.state is ContractState.DRAFT:
            self._sending.send(number, by=merge.owner)
        elif contract is None or contract.state is ContractState.DISCARDED:
            raise StateRefused("You have thrown this draft away.")
        self._database.commit(store.settle_row, merge.id, row.number, RowState.SENT)

    def _known(self, tx: Transaction, merge: MailMerge, number: str) -> Contract | None:
        """The contract of this number, where it has been made."""
        with suppress(NotFound):
            return admit(tx, Command(number, Permission.READ, merge.owner, self._now()))
        return None


def _roles_of(chosen: MergeParties) -> tuple[TemplateRole, ...]:
    """Of a template without parties: those that were chosen with the list, then whoever the row names."""
    roles = [TemplateRole("sender", RoleKind.SENDER)] if chosen.signs else []
    roles += [TemplateRole("seal", RoleKind.SEAL, chosen.seal)] if chosen.seal else []
    return (*roles, TemplateRole("guest", RoleKind.OPEN))


def _forget_old(tx: Transaction, before: datetime) -> None:
    for each in store.old_merges(tx, before):
        store.remove_merge(tx, each)


def _record(tx: Transaction, kind: EventKind, merge: MailMerge, at: datetime, rows: int) -> None:
    public: dict[str, Field] = {
        "merge": merge.id,
        "template": merge.template,
        "number": merge.version,
        "rows": rows,
    }
    append_event(tx, AuditEvent(kind, at, merge.owner, None, public))
