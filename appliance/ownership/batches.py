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
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from appliance.errors import PreconditionRefused, StateRefused
from appliance.filled_lists import read_list
from appliance.language import Language
from appliance.model.deposits import BatchedDeposit, BatchedState, DepositBatch, DepositedFile, readable_name
from appliance.model.mail_merge import ListProblem
from appliance.ownership.deposits import Ownership, checked, today_of
from appliance.ownership.manifest import require_file
from appliance.ownership.orders import MOST_AT_ONCE, DepositOrder, refused_part, require_declaration, split
from appliance.ownership.tables import CheckedDeposits, list_of_batch, read_table, table_for, token_name
from appliance.store import ownership as store
from appliance.store import people
from appliance.store.database import Database
from hsm.errors import Sentence

KEPT: Final = timedelta(days=30)
"""How long a batch is kept; its deposits stay."""

ROUND: Final = 5.0
"""Seconds for which one round of the scheduler goes on."""

TOGETHER: Final = 20
"""Rows of a batch that are made before it is another owner's turn."""

SHOWN: Final = 5
"""The newest batches of a person."""


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
    """*by* is the owner's subject everywhere. Thread-safe, but for the rounds, which one scheduler runs."""

    def __init__(self, database: Database, cache: Path, ownership: Ownership, now: Callable[[], datetime]) -> None:
        self._database, self._cache, self._ownership, self._now = database, cache, ownership, now
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

    def keep(self, found: CheckedDeposits, *, by: str) -> DepositBatch:
        """The batch, which the scheduler begins with at once. Raises :class:`PreconditionRefused` for one that
        has faults."""
        if found.problems or not found.orders:
            raise PreconditionRefused("The batch has faults; nothing of it was deposited.")
        batch = DepositBatch(secrets.token_hex(12), by, self._now())
        rows = [
            BatchedDeposit(number, secrets.token_hex(12), each.title, each.files[0], each.work, each.predecessor)
            for number, each in found.orders.items()
        ]
        self._database.commit(store.insert_batch, batch, rows)
        return batch

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
        due, served = self._database.query(store.due_batches), self._served
        if not due:
            served.clear()
            return None
        found = min(due, key=lambda each: (served.get(each.owner, 0), served.get(each.id, 0)))
        served[found.id] = served[found.owner] = next(self._turns)
        return found

    def _settle(self, batch: DepositBatch, row: BatchedDeposit) -> None:
        order = DepositOrder(row.title, (row.file,), row.work, row.predecessor)
        try:
            self._ownership.deposit(
                order,
                by=batch.owner,
                number=row.deposit,
                also=lambda tx, made: store.settle_batched(tx, batch.id, row, made),
            )
        except (PreconditionRefused, StateRefused) as refusal:  # something came between since it was checked
            said = Sentence(refusal.template, refusal.values)
            self._database.commit(store.settle_batched, batch.id, row, None, said)

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


def _require_distinct(found: CheckedDeposits) -> None:
    """The same file is one deposit, and one version follows another."""
    files: dict[tuple[str, str | None], int] = {}
    before: dict[str, int] = {}
    for number, order in found.orders.items():
        first = files.setdefault((order.files[0].digest, order.predecessor), number)
        if first != number:
            same = "This is the same file as in row {row}; leave one of them out, or deposit them together."
            found.rows[number]("files", Sentence(same, {"row": first}))
        elif order.predecessor and (first := before.setdefault(order.predecessor, number)) != number:
            taken = "Row {row} is the next version of the same deposit; one deposit has one next version."
            found.rows[number]("predecessor", Sentence(taken, {"row": first}))
