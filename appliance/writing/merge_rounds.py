"""The scheduler's work on mail merges: rows become contracts, and are sent, in rounds of some seconds.

Two lanes take a few rows of one list at a time. Most of what a contract costs is typesetting; the pages of these
rows are set together, in one process at low priority, and each contract is then made in short transactions of its
own. Lists and owners take turns.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from appliance.acting_client import ClientReach, acting_for
from appliance.contracts.access import Command, admit
from appliance.contracts.draft_rules import END_OF_WORK, DraftTerms
from appliance.contracts.drafting import Drafting
from appliance.contracts.permissions import Permission
from appliance.contracts.sending import Sending
from appliance.errors import (
    ApplianceError,
    ConfinementFailed,
    NotFound,
    PreconditionRefused,
    StateRefused,
    StorageError,
)
from appliance.language import instants
from appliance.model.contract import Contract, ContractState, Deadline
from appliance.model.mail_merge import (
    LIST_ROLE,
    MailMerge,
    MergeEntry,
    MergeParties,
    MergeRow,
    MergeStage,
    RowState,
)
from appliance.model.template_parties import RoleKind, TemplateRole
from appliance.model.writing import Template, TemplateVersion, Wording
from appliance.money import read_money
from appliance.store import mail_merges as store
from appliance.store import people
from appliance.store.database import Database, Transaction
from appliance.writing.merge_rows import CURRENCY
from appliance.writing.pages import filled_in, require_typesetter, typeset_together, typeset_wording
from appliance.writing.texts import Templates
from hsm.errors import Sentence

KEPT: Final = timedelta(days=30)
"""How long a list is kept; the contracts stay."""

ROUND: Final = 5.0
"""Seconds for which one round of the scheduler goes on; rows that were begun are finished."""

TOGETHER: Final = 16
"""Rows that a lane takes at a time: more would save little time, and hold up other lists for longer."""

LANES: Final = 2
"""Rows are made side by side, as a transaction of one waits for the disk while the other is typeset."""

ReachOf = Callable[[str], ClientReach | None]
"""What a client (an id) may reach now; None for one that is suspended or gone."""

Pages = Mapping[int, bytes | ApplianceError]


@dataclass(frozen=True, slots=True)
class _Share:
    """What a lane works on: rows of one list, all to be made, or all to be sent."""

    merge: MailMerge
    rows: Sequence[MergeRow]

    @property
    def keys(self) -> set[tuple[str, int]]:
        return {(self.merge.id, row.number) for row in self.rows}


class MergeRounds:
    """Thread-safe. One scheduler runs the rounds. Batches of a client for which *reach_of* has nothing rest."""

    def __init__(
        self,
        database: Database,
        templates: Templates,
        workflows: tuple[Drafting, Sending],
        now: Callable[[], datetime],
        reach_of: ReachOf,
    ) -> None:
        self._database = database
        self._templates = templates
        self._drafting, self._sending = workflows
        self._now = now
        self._reach_of = reach_of
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)
        self._taken: set[tuple[str, int]] = set()
        self._turn = threading.Lock()

    def run_round(self, seconds: float = ROUND, lanes: int = LANES) -> int:
        """Makes and sends for so many *seconds*; how many rows were settled. Raises what the authority or the
        database raise: the row stays as it is, and the next round goes on with it."""
        for each in self._database.query(store.old_merges, self._now() - KEPT, 1):
            self._database.commit(store.remove_merge, each)
        if not self._database.query(store.due_merges):
            return 0
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(lanes, "mail merges") as pool:
            return sum(pool.map(self._work, [until] * lanes))

    def _work(self, until: float) -> int:
        settled = 0
        while time.monotonic() < until:
            with self._share() as share:
                if share is None:
                    break
                settled += self._settle_all(share)
        return settled

    @contextmanager
    def _share(self) -> Iterator[_Share | None]:
        """Rows of the owner, and of that owner's list, who had none for the longest time: a long list holds up
        nobody else's, and no other one of its owner's."""
        with self._turn:
            share = self._next()
            if share is not None:
                self._taken |= share.keys
        try:
            yield share
        finally:
            if share is not None:
                with self._turn:
                    self._taken -= share.keys

    def _next(self) -> _Share | None:
        served = self._served
        due = self._database.query(store.due_merges)
        if not due:
            served.clear()
        due = [each for each in due if each.client is None or self._reach_of(each.client) is not None]
        for each in sorted(due, key=lambda one: (served.get(one.owner, 0), served.get(one.id, 0))):
            merge, rows = self._database.query(self._open_rows, each.id)
            free = [row for row in rows if (merge.id, row.number) not in self._taken][:TOGETHER]
            if free:
                served[each.id] = served[each.owner] = next(self._turns)
                return _Share(merge, free)
            if not rows:
                self._database.commit(store.rest, each.id)
        return None

    def _open_rows(self, tx: Transaction, merge_id: str) -> tuple[MailMerge, list[MergeRow]]:
        """Of a list that is due; those that the lanes have taken among them."""
        merge = store.load_merge(tx, merge_id)
        return merge, store.next_rows(tx, merge, TOGETHER + len(self._taken))

    def _settle_all(self, share: _Share) -> int:
        """How many rows were settled: fewer than all, where the client or the owner was suspended meanwhile."""
        merge, settled = share.merge, 0
        sends = all(row.state is RowState.DRAFT for row in share.rows)
        rows = list(share.rows) if sends else self._begun(share)
        making = None if sends else self._making(merge, rows)
        for row in rows:
            reach = None if merge.client is None else self._reach_of(merge.client)
            gone = not self._database.query(people.is_active, merge.owner)
            if gone or (merge.client is not None and reach is None):
                break
            self._settle(merge, row, making, reach)
            settled += 1
        return settled

    def _begun(self, share: _Share) -> list[MergeRow]:
        """The rows that are in the making, with the numbers of their contracts, without those that were cancelled
        meanwhile. Only those that had a number before can have a contract: the others still say that they wait."""
        wanted = {row.number: row.contract or secrets.token_hex(12) for row in share.rows}
        numbers = self._database.commit(store.begin_rows, share.merge.id, wanted)
        return [
            replace(row, contract=numbers[row.number], state=RowState.MAKING if row.contract else RowState.WAITING)
            for row in share.rows
            if row.number in numbers
        ]

    def _settle(self, merge: MailMerge, row: MergeRow, making: _Making | None, reach: ClientReach | None) -> None:
        state, said, code = RowState.FAILED, None, ""
        contract = self._known(merge, row)
        try:
            with nullcontext() if reach is None else acting_for(reach):
                if making is not None:
                    contract = contract or self._made(making, row, reach)
                    state = RowState.DRAFT
                if making is None or merge.stage is MergeStage.SENDING:
                    self._send(merge, contract)
                    state = RowState.SENT
        except ApplianceError as refusal:
            if _passes(refusal):
                raise
            state, said, code = RowState.FAILED, Sentence(refusal.template, refusal.values), refusal.code
        else:
            if contract is not None and contract.state not in (ContractState.DRAFT, ContractState.DISCARDED):
                state = RowState.SENT  # by its owner, before this was noted down
        self._database.commit(store.settle_row, merge.id, row.number, state, said, code)

    def _known(self, merge: MailMerge, row: MergeRow) -> Contract | None:
        """The contract of this row, where it has been made; its owner reads it, whatever a client reaches."""
        with suppress(NotFound):
            command = Command(row.contract or "", Permission.READ, merge.owner, self._now())
            return self._database.query(admit, command)
        return None

    def _making(self, merge: MailMerge, rows: Sequence[MergeRow]) -> _Making:
        """What *rows* are made of, with the pages of those that are not made yet."""
        template = self._templates.load_template(merge.template, merge.owner)
        version = self._templates.version(merge.template, merge.version, merge.owner)
        if not version.parties.roles:
            version = replace(version, parties=replace(version.parties, roles=_roles_of(merge.parties)))
        with self._database.reading() as tx:
            owner = people.person(tx, merge.owner)
        wordings: dict[int, Wording] = {}
        pages: dict[int, bytes | ApplianceError] = {}
        for row in rows:
            if row.state is RowState.MAKING and self._known(merge, row) is not None:
                continue
            try:
                named = self._templates.values_of_roles(version, row.entry.guests, merge.owner)
                wordings[row.number] = filled_in(version.wording, {**row.entry.values, **named})
            except ApplianceError as refusal:
                pages[row.number] = refusal
        return _Making(merge, template, version, owner.organisation, owner.zone, pages | _typeset(wordings))

    def _made(self, making: _Making, row: MergeRow, reach: ClientReach | None) -> Contract:
        """The draft with its parties, in one transaction."""
        if reach is not None and not reach.covers(making.organisation, making.template.kind):
            raise PreconditionRefused(
                "The program that asked for this contract no longer reaches this organisation and type."
            )
        document = making.pages[row.number]
        if isinstance(document, ApplianceError):
            raise document
        terms = making.terms(row.entry)
        parties, guests = making.version.parties, row.entry.guests
        return self._drafting.draft(document, terms, parties=parties, guests=guests, as_contract=row.contract)

    def _send(self, merge: MailMerge, contract: Contract | None) -> None:
        if contract is None:
            raise StateRefused("Somebody else has taken over this draft.")
        if contract.state is ContractState.DISCARDED:
            raise StateRefused("This draft was thrown away.")
        if contract.state is ContractState.DRAFT:
            self._sending.send(contract.id, by=merge.owner)


@dataclass(frozen=True, slots=True)
class _Making:
    """What the rows of a share are made of: the version of the template, the owner's organisation and zone, and
    the document of each row by its number, or why there is none."""

    merge: MailMerge
    template: Template
    version: TemplateVersion
    organisation: str
    zone: str
    pages: Pages

    def terms(self, entry: MergeEntry) -> DraftTerms:
        day = date.fromisoformat(entry.deadline) if entry.deadline else None
        return DraftTerms(
            entry.title,
            self.template.kind,
            entry.title,
            initiator=self.merge.owner,
            deadline=None if day is None else Deadline(instants.on(day, END_OF_WORK, self.zone), self.zone),
            amount=read_money(entry.amount, CURRENCY) if entry.amount else None,
            language=self.template.language,
        )


def _typeset(wordings: Mapping[int, Wording]) -> dict[int, bytes | ApplianceError]:
    """The document of each wording. Where they cannot be set together, each is tried alone. Raises
    :class:`ConfinementFailed` when nothing can be typeset now."""
    if not wordings:
        return {}
    try:
        return dict(zip(wordings, typeset_together(list(wordings.values())), strict=True))
    except ApplianceError as refusal:
        if _passes(refusal):
            raise
    found: dict[int, bytes | ApplianceError] = {}
    for number, wording in wordings.items():
        try:
            found[number] = _typeset_alone(wording)
        except ApplianceError as refusal:
            if _passes(refusal):
                raise
            found[number] = refusal
    return found


def _typeset_alone(wording: Wording) -> bytes:
    """The document of *wording*, which is tried again where the typesetter breaks, but sets another page."""
    try:
        return typeset_wording(wording)
    except ConfinementFailed:
        require_typesetter()
        return typeset_wording(wording)


def _passes(refusal: ApplianceError) -> bool:
    """Whether the machine refused, not the row: later it may go on."""
    unavailable = isinstance(refusal, ConfinementFailed) and refusal.values.get("cause") == "unavailable"
    return unavailable or isinstance(refusal, StorageError)


def _roles_of(chosen: MergeParties) -> tuple[TemplateRole, ...]:
    """Of a template without parties: those that were chosen with the list, then whoever the row names."""
    roles = [TemplateRole("sender", RoleKind.SENDER)] if chosen.signs else []
    roles += [TemplateRole("seal", RoleKind.SEAL, chosen.seal)] if chosen.seal else []
    return (*roles, TemplateRole(LIST_ROLE, RoleKind.OPEN))
