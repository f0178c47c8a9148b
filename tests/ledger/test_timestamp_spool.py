"""What the timestamp service has acknowledged gets from its spool into the log once, whoever dies when."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.errors import StorageError
from appliance.ledger.entry import TimestampEntry
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.ledger.timestamp_spool import (
    LARGEST_LINE,
    MOST_IN_LINE,
    TimestampSpool,
    count_waiting,
    read_spool,
    remove_fed,
    spool_files,
    waiting_since,
)
from appliance.store import ledger
from appliance.store.database import Database
from tests.ledger.spooling import AT, line_of, only_file, token
from tests.log import count_timestamps, entry_of_timestamp


def test_what_is_appended_becomes_the_logs_entries_in_order(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    writer.append([token(1), token(2)])
    writer.append([token(3)])
    feeder = TimestampFeeder(database, spool)
    assert (count_waiting(spool, lambda _: 0), waiting_since(spool, lambda _: 0)) == (3, AT)
    assert (feeder.run_once(), feeder.run_once()) == (3, 0)
    writer.append([token(2**160 - 1)])
    assert feeder.run_once() == 1
    with database.reading() as tx:
        leaves = ledger.leaves(tx, 0, 10)
        assert entry_of_timestamp(tx, 2**160 - 1) == 3
    assert leaves == [TimestampEntry.of(token(each)).leaf() for each in (1, 2, 3, 2**160 - 1)]
    fed = feeder.positions()
    assert (count_waiting(spool, fed.__getitem__), waiting_since(spool, fed.__getitem__)) == (0, None)


def test_there_need_be_no_spool_yet(spool: Path, database: Database) -> None:
    feeder = TimestampFeeder(database, spool)
    assert (feeder.run_once(), feeder.positions(), waiting_since(spool, lambda _: 0)) == (0, {}, None)
    remove_fed(spool, {})


def test_each_write_is_one_line_and_on_disk_before_it_returns(
    writer: TimestampSpool, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []

    def sync(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").read_bytes())

    monkeypatch.setattr(os, "fdatasync", sync)
    writer.append([token(each) for each in range(64)])
    writer.append([token(64)])
    assert [each.count(b"\n") for each in synced] == [1, 2], "one for each write, and all of it was there by then"
    assert synced[-1] == only_file(spool).read_bytes()


def test_a_line_has_room_for_as_many_tokens_as_it_may_have(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    writer.append([token(each) for each in range(2 * MOST_IN_LINE + 1)])
    assert max(map(len, only_file(spool).read_bytes().splitlines())) < LARGEST_LINE
    assert TimestampFeeder(database, spool).run_once() == 2 * MOST_IN_LINE + 1


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may be larger: the write that meets the limit is short, the next one fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("more", [0, 40])
def test_after_a_failure_nothing_follows_in_the_same_file(
    writer: TimestampSpool, spool: Path, database: Database, more: int
) -> None:
    """The disk is full before the line, or in the middle of it: what was not acknowledged spoils nothing."""
    writer.append([token(1)])
    first = only_file(spool)
    with largest_file(first.stat().st_size + more), pytest.raises(StorageError):
        writer.append([token(2)])
    writer.append([token(3)])
    assert len(spool_files(spool)) == 2
    assert TimestampFeeder(database, spool).run_once() == 2
    assert {serial for serial in (1, 2, 3) if database.query(entry_of_timestamp, serial) is not None} == {1, 3}
    remove_fed(spool, TimestampFeeder(database, spool).positions())
    assert first not in spool_files(spool), "half a line keeps no file"


def test_a_write_of_which_nobody_knows_what_became_is_not_acknowledged(
    writer: TimestampSpool, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fdatasync", fail)
        with pytest.raises(StorageError, match="Input/output error"):
            writer.append([token(1)])
    writer.append([token(2)])
    assert len(spool_files(spool)) == 2, "a second sync of the same file would say that all is well"


@pytest.mark.parametrize(
    "tail", [b"", b"0123", line_of(9)[:-1], line_of(9)[:50] + bytes(60) + b"\n", b"\n", line_of(9)[5:]]
)
def test_what_a_power_cut_left_of_the_last_line_is_nobodys_token(
    writer: TimestampSpool, spool: Path, database: Database, tail: bytes
) -> None:
    writer.append([token(1)])
    writer.close()
    path = only_file(spool)
    path.write_bytes(path.read_bytes() + tail)
    feeder = TimestampFeeder(database, spool)
    assert (feeder.run_once(), feeder.run_once()) == (1, 0)
    assert database.query(entry_of_timestamp, 9) is None
    remove_fed(spool, feeder.positions())
    assert spool_files(spool) == []


def test_a_line_that_is_still_being_written_is_taken_when_it_is_whole(spool: Path, database: Database) -> None:
    path, line, feeder = spool / f"{1:012d}-{1:016x}", line_of(1), TimestampFeeder(database, spool)
    spool.mkdir()
    path.write_bytes(line[:30])
    assert feeder.run_once() == 0
    path.write_bytes(line)
    assert feeder.run_once() == 1


TAKER = """
import os, signal, sys
from pathlib import Path
from appliance.ledger.timestamp_feeder import LONGEST_ROUND, TimestampFeeder
from appliance.store.database import Database
home, dies = Path(sys.argv[1]), sys.argv[2]
TimestampFeeder(
    Database(home / "vermilion.db"), home / "timestamps", reach=lambda: os.kill(os.getpid(), signal.SIGKILL)
).run_once()
"""


@pytest.mark.crash
def test_a_feeder_that_is_killed_between_reading_and_taking_loses_nothing(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    writer.append([token(1)])
    done = subprocess.run([sys.executable, "-c", TAKER, str(spool.parent), "here"], check=False)
    assert done.returncode == -9
    assert database.query(count_timestamps) == 0
    assert TimestampFeeder(database, spool).run_once() == 1


def test_entries_and_position_come_together_or_not_at_all(
    writer: TimestampSpool, spool: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise RuntimeError

    writer.append([token(1)])
    with monkeypatch.context() as dying, pytest.raises(RuntimeError):
        dying.setattr(ledger, "advance_feed", die)
        TimestampFeeder(database, spool).run_once()
    assert database.query(count_timestamps) == 0
    assert TimestampFeeder(database, spool).run_once() == 1


def test_of_two_feeders_one_takes_each_token(writer: TimestampSpool, spool: Path, database: Database) -> None:
    """The scheduler and a backup: the second one takes what the first had read."""
    writer.append([token(1)])
    other = TimestampFeeder(database, spool)
    taken: list[int] = []
    first = TimestampFeeder(database, spool, reach=lambda: taken.append(other.run_once()))
    assert (first.run_once(), taken) == (0, [1])
    assert database.query(count_timestamps) == 1


def test_a_file_that_is_removed_just_now_is_no_damage(spool: Path) -> None:
    batch = read_spool(spool / f"{1:012d}-{1:016x}", 99)
    assert (list(batch.entries), batch.end) == ([], 99)


def test_who_tidies_up_takes_no_file_from_who_writes_it(spool: Path, database: Database) -> None:
    writer = TimestampSpool(spool)
    writer.append([token(1)])
    feeder = TimestampFeeder(database, spool)
    feeder.run_once()
    remove_fed(spool, feeder.positions())
    writer.append([token(2)])
    assert feeder.run_once() == 1
    writer.close()
    remove_fed(spool, {})
    assert len(spool_files(spool)) == 1, "nobody says that the log has it"
    remove_fed(spool, feeder.positions())
    assert spool_files(spool) == []


def test_reading_opens_nothing_to_write(writer: TimestampSpool, spool: Path, database: Database) -> None:
    """As another user, whose the directory is not, reads it."""
    writer.append([token(1)])
    spool.chmod(0o550)
    only_file(spool).chmod(0o440)
    before = {path.name: path.stat() for path in spool.iterdir()}
    assert read_spool(only_file(spool), 0).entries
    assert TimestampFeeder(database, spool).run_once() == 1
    after = {path.name: path.stat() for path in spool.iterdir()}
    assert {name: (each.st_mtime_ns, each.st_size) for name, each in before.items()} == {
        name: (each.st_mtime_ns, each.st_size) for name, each in after.items()
    }
    spool.chmod(0o700)
