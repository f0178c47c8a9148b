"""Batches of deposits: checked as a whole while their owner waits, then made by the scheduler, each exactly
once.

1. Every order is checked as it will be when it is recorded; of a batch with a fault nothing is kept. 2. Each row
gets the number of its deposit, on disk. 3. The scheduler dates one after another. A deposit and what became of
its row are recorded in one transaction: who goes on after an interruption finds rows that wait, and none whose
deposit is there."""

from __future__ import annotations

import io
import itertools
import secrets
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from appliance.acting_client import ClientReach, acting_client, acting_for
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.filled_lists import read_list
from appliance.language import Language
from appliance.model.deposits import BatchedDeposit, BatchedState, DepositBatch, DepositedFile, readable_name
from appliance.model.mail_merge import ListProblem
from appliance.model.notice import Notice, NoticeKind
from appliance.ownership.deposits import Ownership, checked, require_declarer, today_of
from appliance.ownership.manifest import require_file
from appliance.ownership.orders import (
    MOST_AT_ONCE,
    TOO_MANY,
    DepositOrder,
    refused_part,
    require_declaration,
    require_obtained,
    split,
    title_of,
)
from appliance.ownership.tables import CheckedDeposits, list_of_batch, read_table, table_for, token_name
from appliance.store import outbox, people
from appliance.store import ownership as store
from appliance.store.database import Database, Transaction
from hsm.errors import Sentence

FAULTY: Final = "The batch has faults; nothing of it was deposited."

KEPT: Final = timedelta(days=30)
"""How long a batch is kept; its deposits stay."""

ROUND: Final = 5.0
"""Seconds for which one round of the scheduler goes on."""

TOGETHER: Final = 20
"""Rows of a batch that are made before it is another owner's turn."""

SHOWN: Final = 5
"""The newest batches of a person."""

MOST_QUEUED: Final = 10
"""Batches of a person, or of a program, that wait at the same time: they are made in turns."""

SAME_FILE: Final = "This is the same file as in row {row}; leave one of them out, or deposit them together."
SAME_PREDECESSOR: Final = "Row {row} is the next version of the same deposit; one deposit has one next version."

ReachOf = Callable[[str], ClientReach | None]
"""What an API client may reach now; None for one that is suspended, or may deposit no more."""


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How many deposits of a batch are in each state."""

    batch: DepositBatch
    counts: Mapping[BatchedState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def made(self) -> int:
        return self.counts.get(BatchedState.MADE, 0)

    @property
    def busy(self) -> bool:
        """Whether some wait."""
        return self.counts.get(BatchedState.WAITING, 0) > 0


class DepositBatches:
    """*by* is the owner's subject everywhere; whoever has made the declaration for a program reads, too. Batches
    of a client for which *reach_of* has nothing rest. Thread-safe, but for the rounds, which one scheduler
    runs."""

    def __init__(
        self,
        database: Database,
        cache: Path,
        ownership: Ownership,
        now: Callable[[], datetime],
        reach_of: ReachOf,
    ) -> None:
        self._database, self._cache, self._ownership, self._now = database, cache, ownership, now
        self._reach_of = reach_of
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)

    def check_files(self, order: DepositOrder, *, by: str) -> CheckedDeposits:
        """Each file of *order* as a deposit of its own with the same data, and what is wrong with each. Raises
        :class:`PreconditionRefused` for what is wrong with all of them."""
        found = CheckedDeposits()
        for number, each in enumerate(split(order), 1):
            name = readable_name(each.files[0].name)[:80]
            found.orders[number] = each
            found.rows[number] = partial(_tell, found, number, name)
        return self._checked(found, by)

    def check_rows(self, orders: Sequence[DepositOrder], *, by: str) -> CheckedDeposits:
        """*orders* of one file each that a program hands in, all with one declaration, and what is wrong with
        them, at what of them. An empty title is the file's name. Raises :class:`PreconditionRefused` for what is
        wrong with the declaration, and for none or too many."""
        if not 0 < len(orders) <= MOST_AT_ONCE:
            raise PreconditionRefused(TOO_MANY, most=MOST_AT_ONCE, count=len(orders))
        with self._database.reading() as tx:
            person = people.person(tx, by)
            require_declaration(orders[0].work.declaration)
            require_declarer(tx, orders[0], person)
            require_obtained(orders[0].declared, today_of(person, self._now()))
        found = CheckedDeposits()
        for number, each in enumerate(orders, 1):
            found.orders[number] = replace(each, title=each.title or title_of("", each.files[0]))
            found.rows[number] = partial(_tell_part, found, number)
        return self._checked(found, by)

    def check_table(self, document: bytes, declaration: str, *, language: Language, by: str) -> CheckedDeposits:
        """The rows of the table *document* as deposits, and what is wrong with them. Raises
        :class:`DocumentRefused`, and :class:`PreconditionRefused` for too many rows, and without a declaration."""
        require_declaration(declaration)
        sheet = read_list(self._cache, document)
        if len(sheet.rows) > MOST_AT_ONCE:
            raise PreconditionRefused(
                "A table has at most {most} deposits; this one has {count}. Divide it into several.",
                most=MOST_AT_ONCE,
                count=len(sheet.rows),
            )
        return self._checked(read_table(sheet, declaration, language), by)

    def table(self, files: Sequence[DepositedFile], *, versions: bool, language: Language, by: str) -> bytes:
        """The workbook to fill in, with a row for each of *files*; with *versions*, as the next versions of the
        newest deposits of files of the same names. Raises :class:`PreconditionRefused` for what is no file."""
        for number, each in enumerate(files, 1):
            require_file(each, number)
        names = {each.name for each in files} if versions else set()
        return table_for(files, self._database.query(store.newest_by_name, by, names), language)

    def keep(self, found: CheckedDeposits, *, by: str, number: str | None = None) -> DepositBatch:
        """The batch, which the scheduler begins with at once, under the *number* (24 hex digits) that the caller
        chose, if it did. Whoever the program names that hands it in is told. Raises :class:`PreconditionRefused`
        for one that has faults, and :class:`StateRefused` while too many wait."""
        if found.problems or not found.orders:
            raise PreconditionRefused(FAULTY)
        reach, declared = acting_client(), next(iter(found.orders.values())).declared
        client = None if reach is None else reach.client
        batch = DepositBatch(number or secrets.token_hex(12), by, self._now(), client, declared)
        rows = [
            BatchedDeposit(number, secrets.token_hex(12), each.title, each.files[0], each.work, each.predecessor)
            for number, each in found.orders.items()
        ]
        with self._database.transaction() as tx:
            _require_room(tx, batch)
            store.insert_batch(tx, batch, rows)
            if declared is not None:
                for each in dict.fromkeys((declared.declarer, by)):
                    outbox.enqueue(tx, Notice(None, each, NoticeKind.DEPOSITS_DECLARED, batch.created, batch.id))
            return store.load_batch(tx, batch.id, by)

    def retry(self, batch_id: str, *, by: str) -> int:
        """Tries the rows again that were not deposited; how many. Raises :class:`NotFound`, and
        :class:`StateRefused` while too many batches wait."""
        with self._database.transaction() as tx:
            batch = store.load_batch(tx, batch_id, by)
            if batch.owner != by:
                raise NotFound("There is no such batch of deposits; it may have been removed.")
            if BatchedState.WAITING not in store.count_batched(tx, batch_id):
                store.rest_batch(tx, batch_id)
                _require_room(tx, batch)
            return store.retry_batched(tx, batch_id)

    def find(self, batch_id: str) -> DepositBatch:
        """The batch, for the client that handed it in and acts now. Raises :class:`NotFound`."""
        batch, reach = self._database.query(store.find_batch, batch_id), acting_client()
        if batch is None or reach is None or batch.client != reach.client:
            raise NotFound("There is no such batch of deposits; it may have been removed.")
        return batch

    def of_client(self, after: str, *, limit: int) -> list[DepositBatch]:
        """At most *limit* batches that :meth:`find` gives, the newest first, those from before the batch *after*.
        Raises :class:`NotFound` for an *after* that it does not give."""
        reach = acting_client()
        if reach is None:
            return []
        before = self.find(after) if after else None
        return self._database.query(store.batches_of_client, reach.client, before, limit)

    def progress(self, batch_id: str, *, by: str) -> BatchProgress:
        """How far the batch is. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return BatchProgress(store.load_batch(tx, batch_id, by), store.count_batched(tx, batch_id))

    def mine(self, by: str) -> list[BatchProgress]:
        """The owner's newest batches."""
        with self._database.reading() as tx:
            found = store.batches_of(tx, by, SHOWN)
            return [BatchProgress(each, store.count_batched(tx, each.id)) for each in found]

    def rows(
        self, batch_id: str, *, by: str, after: int = 0, limit: int = -1, state: BatchedState | None = None
    ) -> list[BatchedDeposit]:
        """The rows of the batch behind the one with the number *after*. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            store.load_batch(tx, batch_id, by)
            return store.batched(tx, batch_id, after=after, limit=limit, state=state)

    def archive(
        self, batch_id: str, states: Mapping[BatchedState, str], say: Callable[..., str], *, by: str
    ) -> bytes:
        """A ZIP with the list of what became of each row, and the timestamps as replies that openssl reads.
        *states* are called so, *say* translates. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            store.load_batch(tx, batch_id, by)
            rows, made = store.batched(tx, batch_id), {each.id: each for each in store.made_of(tx, batch_id)}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("list.xlsx", list_of_batch(rows, made, states, say))
            for row in rows:
                if row.state is BatchedState.MADE:
                    packed.writestr(token_name(row), self._ownership.reply(made[row.deposit]))
        return file.getvalue()

    def run_round(self, seconds: float = ROUND) -> int:
        """Makes deposits for so many *seconds*; how many rows were settled. Raises what cannot be dated or
        recorded now: the next round goes on with it."""
        for each in self._database.query(store.old_batches, self._now() - KEPT):
            self._database.commit(store.remove_batch, each)
        until, settled = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            batch = self._next()
            if batch is None:
                break
            rows = self._database.query(store.batched, batch.id, limit=TOGETHER, state=BatchedState.WAITING)
            if not rows:
                self._database.commit(store.rest_batch, batch.id)
            for row in rows:
                self._settle(batch, row)
            settled += len(rows)
        return settled

    def _next(self) -> DepositBatch | None:
        """The batch of the owner, and of that owner's batches the one, whose turn was longest ago."""
        due, served = [each for each in self._database.query(store.due_batches) if self._works(each)], self._served
        if not due:
            served.clear()
            return None
        found = min(due, key=lambda each: (served.get(each.owner, 0), served.get(each.id, 0)))
        served[found.id] = served[found.owner] = next(self._turns)
        return found

    def _works(self, batch: DepositBatch) -> bool:
        """Whether it is made now: not while its program may not deposit."""
        return batch.client is None or self._reach_of(batch.client) is not None

    def _settle(self, batch: DepositBatch, row: BatchedDeposit) -> None:
        reach = None if batch.client is None else self._reach_of(batch.client)
        if batch.client is not None and reach is None:
            return  # suspended meanwhile; it rests from the next turn on
        order = DepositOrder(row.title, (row.file,), row.work, row.predecessor, batch.declared)
        try:
            with nullcontext() if reach is None else acting_for(reach):
                self._ownership.deposit(
                    order,
                    by=batch.owner,
                    number=row.deposit,
                    also=lambda tx, made: store.settle_batched(tx, batch.id, row, made),
                    tell=False,
                )
        except (PreconditionRefused, StateRefused) as refusal:  # something came between since it was checked
            said = Sentence(refusal.template, refusal.values)
            self._database.commit(store.settle_batched, batch.id, row, None, said, refusal.code)

    def _checked(self, found: CheckedDeposits, by: str) -> CheckedDeposits:
        """*found*, with what the register says against its orders, and they against each other."""
        with self._database.reading() as tx:
            person = people.person(tx, by)
            today = today_of(person, self._now())
            for number, order in found.orders.items():
                try:
                    found.orders[number], _ = checked(tx, order, person, today)
                except PreconditionRefused as refusal:
                    found.rows[number](refused_part(refusal), Sentence(refusal.template, refusal.values))
        _require_distinct(found)
        return found


def _tell(found: CheckedDeposits, number: int, name: str, _part: str, sentence: Sentence) -> None:
    found.add(ListProblem(number, name, "", sentence))


def _tell_part(found: CheckedDeposits, number: int, part: str, sentence: Sentence) -> None:
    found.add(ListProblem(number, part, "", sentence))


def _require_room(tx: Transaction, batch: DepositBatch) -> None:
    """Raises :class:`StateRefused` while so many of its owner's batches wait, or of its program's, that it has to
    come later."""
    if store.count_queued(tx, batch.owner, batch.client) >= MOST_QUEUED:
        raise StateRefused(
            "So many batches wait already: {most}. Begin this one when one of them is done.", most=MOST_QUEUED
        )


def _require_distinct(found: CheckedDeposits) -> None:
    """The same file is one deposit, and one version follows another."""
    files: dict[tuple[str, str | None], int] = {}
    before: dict[str, int] = {}
    for number, order in found.orders.items():
        first = files.setdefault((order.files[0].digest, order.predecessor), number)
        if first != number:
            found.rows[number]("files", Sentence(SAME_FILE, {"row": first}))
        elif order.predecessor and (first := before.setdefault(order.predecessor, number)) != number:
            found.rows[number]("predecessor", Sentence(SAME_PREDECESSOR, {"row": first}))
