"""The feeder: takes what the timestamp service has issued out of its spool and into the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pysqlite3.dbapi2 import IntegrityError

from appliance.errors import SpoolDamaged
from appliance.ledger.entry import record_timestamps
from appliance.ledger.timestamp_spool import SpoolBatch, read_spool, require_few_files, spool_files
from appliance.store import ledger
from appliance.store.database import Database, Transaction

MOST_READS = 300
"""Reads of one file in one round, more than ours need: one that grows without end does not hold up the others."""

LONGEST_ROUND = 20.0
"""Seconds after which a round takes nothing more. A writer under foreign control can have gigabytes of lines in
their form; nothing that waits for a round, such as the start of the scheduler, waits until they are in the log."""


class TimestampFeeder:
    """Runs in any process that may read the *spool* and write the log; in several at once, too: what one has read
    and another taken meanwhile is not taken again. *reach* is called between reading and taking."""

    def __init__(
        self,
        database: Database,
        spool: Path,
        *,
        reach: Callable[[], object] = lambda: None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ticks = ticks
        self._database = database
        self._spool = spool
        self._reach = reach

    def run_once(self) -> int:
        """Takes in all that waits, in transactions with the position behind each; how many tokens there were. What
        one round has no time for, the next one takes.

        Raises :class:`SpoolDamaged` for a file that is not in its form, once all others are in the log: whoever
        has taken over the timestamp service keeps out nothing that is on disk already.
        """
        taken, damage, latest = 0, None, self._ticks() + LONGEST_ROUND
        for path in spool_files(self._spool):
            try:
                taken += self._feed(path, latest)
            except SpoolDamaged as error:
                damage = damage or error
        if damage is not None:
            raise damage
        require_few_files(self._spool)
        return taken

    def positions(self) -> dict[str, int]:
        """Up to where the log has each file of the spool of which it has something."""
        with self._database.reading() as tx:
            positions = {path.name: ledger.feed_position(tx, path.name) for path in spool_files(self._spool)}
        return {name: position for name, position in positions.items() if position}

    def _feed(self, path: Path, latest: float) -> int:
        taken = 0
        for _ in range(MOST_READS):
            if self._ticks() >= latest:
                break
            position = self._database.query(ledger.feed_position, path.name)
            batch = read_spool(path, position)
            if not batch.entries:
                break
            self._reach()
            try:
                taken += self._database.commit(_take, path.name, position, batch)
            except IntegrityError:
                taken += self._feed_line(path, position)
        return taken

    def _feed_line(self, path: Path, position: int) -> int:
        """One line alone, when of several one cannot be taken: those before it can."""
        try:
            return self._database.commit(_take, path.name, position, read_spool(path, position, most=1))
        except IntegrityError as error:
            template = "{path} has a timestamp after byte {position} whose serial number was issued before."
            raise SpoolDamaged(template, path=path, position=position) from error


def _take(tx: Transaction, name: str, position: int, batch: SpoolBatch) -> int:
    """How many entries were written; none when another feeder was faster."""
    if ledger.feed_position(tx, name) != position:
        return 0
    record_timestamps(tx, batch.entries)
    ledger.advance_feed(tx, name, batch.end)
    return len(batch.entries)
