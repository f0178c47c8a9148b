"""What the scheduler says to the timestamp service: whether to issue, and what the log has."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import LedgerDamaged, SpoolDamaged
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.ledger.timestamp_spool import TimestampSpool
from appliance.store.database import Database
from appliance.timestamping.clearance import (
    FRESH,
    UNKNOWN,
    Clearance,
    ClearanceReader,
    IssuingState,
    TimestampFeed,
    read_clearance,
    write_clearance,
)
from tests.ledger.spooling import line_of, only_file, token
from tests.log import count_timestamps


class Scheduler:
    """The scheduler's job, in a log that is in order until ``damage`` is set."""

    def __init__(self, database: Database, spool: Path) -> None:
        self.clearance = spool.parent / "run/clearance/timestamps.json"
        self.damage: LedgerDamaged | None = None
        self.held = False
        self._database, self._spool = database, spool
        self.start()

    def start(self) -> None:
        self.feed = TimestampFeed(
            TimestampFeeder(self._database, self._spool),
            self.clearance,
            require_log=self._require_log,
            under_maintenance=lambda: self.held or None,
        )

    def _require_log(self) -> None:
        if self.damage:
            raise self.damage


def test_the_scheduler_says_what_the_timestamp_service_has_to_know(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    scheduler, ticks = Scheduler(database, spool), [0.0]
    reader = ClearanceReader(scheduler.clearance, ticks=lambda: ticks[0])
    assert reader.current() == UNKNOWN
    scheduler.feed.run_round()
    assert reader.current() == UNKNOWN, "one look serves for a second"
    ticks[0] += FRESH
    assert reader.current() == Clearance(IssuingState.OPEN)
    writer.append([token(1)])
    scheduler.held = True
    scheduler.feed.run_round()
    fed = {only_file(spool).name: only_file(spool).stat().st_size}
    assert read_clearance(scheduler.clearance) == Clearance(IssuingState.MAINTENANCE, fed)


def test_nothing_is_taken_into_a_log_that_is_not_the_authoritys_until_it_is(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    scheduler = Scheduler(database, spool)
    scheduler.feed.run_round()
    writer.append([token(1)])
    scheduler.damage = LedgerDamaged("This is not its log.")
    scheduler.start()
    for _ in range(2):
        with pytest.raises(LedgerDamaged):
            scheduler.feed.run_round()
        assert read_clearance(scheduler.clearance) == UNKNOWN
    assert database.query(count_timestamps) == 0
    scheduler.damage = None
    scheduler.feed.run_round()
    assert read_clearance(scheduler.clearance).issuing is IssuingState.OPEN
    assert database.query(count_timestamps) == 1


def test_a_damaged_file_does_not_stop_the_service(spool: Path, database: Database) -> None:
    spool.mkdir()
    (spool / f"{1:012d}-{1:016x}").write_bytes(b"x\n" + line_of(1))
    scheduler = Scheduler(database, spool)
    with pytest.raises(SpoolDamaged):
        scheduler.feed.run_round()
    assert read_clearance(scheduler.clearance).issuing is IssuingState.OPEN


@pytest.mark.parametrize(
    "said", [b"", b"{}", b"[]", b'{"issuing":"yes","fed":{}}', b'{"issuing":"open","fed":3}', b"\xff"]
)
def test_what_cannot_be_read_opens_nothing(tmp_path: Path, said: bytes) -> None:
    (tmp_path / "clearance").write_bytes(said)
    assert read_clearance(tmp_path / "clearance") == UNKNOWN
    write_clearance(tmp_path / "clearance", Clearance(IssuingState.OPEN, {"a": 1}))
    assert read_clearance(tmp_path / "clearance") == Clearance(IssuingState.OPEN, {"a": 1})
