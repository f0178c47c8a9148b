"""The timestamp service's spool and the feeder: what was acknowledged gets into the log once, whoever dies when;
and a writer under foreign control can do no more than issue and stop issuing."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.errors import LedgerDamaged, SpoolDamaged, StorageError
from appliance.ledger.entry import TimestampEntry
from appliance.ledger.timestamp_feeder import LONGEST_ROUND, TimestampFeeder
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
from hsm.timestamp import IssuedToken
from tests.log import count_timestamps, entry_of_timestamp

AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def token(serial: int) -> IssuedToken:
    return IssuedToken(serial, AT, b"token %d" % serial)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "timestamps"


@pytest.fixture
def writer(spool: Path) -> Iterator[TimestampSpool]:
    writing = TimestampSpool(spool)
    yield writing
    writing.close()


def only_file(spool: Path) -> Path:
    [path] = spool_files(spool)
    return path


def line_of(*serials: int) -> bytes:
    rows = ",".join(f'["2026-11-25T08:00:00Z","{each:040x}","{"0" * 64}"]' for each in serials)
    return signed(f"[{rows}]".encode())


def signed(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:32].encode() + b" " + content + b"\n"


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


def damaged_spools() -> dict[str, bytes]:
    """What a writer under foreign control may put before a line that is in order."""
    serial, digest, at = f"{1:040x}", "0" * 64, "2026-11-25T08:00:00Z"
    rows: dict[str, list[object]] = {
        "another kind of entry": [at, serial, digest, "contract-signed"],
        "a serial that ends the leaf": [at, serial[:-1] + '"', digest],
        "a number for a serial": [at, 1, digest],
        "no such time": [at.replace("11", "13"), serial, digest],
        "another form of a time": [at.replace("Z", "+08:00"), serial, digest],
        "a year of three digits": [at.replace("2026", "0999"), serial, digest],
        "a year that no time zone follows": [at.replace("2026", "9999"), serial, digest],
        "capitals": [at, serial, "A" * 64],
        "more digits": [at, serial + "0", digest],
        "digits of another script": [at, serial, "\N{ARABIC-INDIC DIGIT THREE}" * 64],
    }
    contents = {name: json.dumps([row]) for name, row in rows.items()} | {
        "an object": json.dumps({"at": at}),
        "nothing": "[]",
        "deep": "[" * 100_000,
    }
    return {
        **{name: signed(content.encode()) for name, content in contents.items()},
        "a wrong check": b"0" * 32 + line_of(1)[32:],
        "no line": b"x" * LARGEST_LINE,
        "a serial twice": line_of(7, 7),
    }


@pytest.mark.parametrize("name", damaged_spools())
def test_what_is_no_timestamp_stops_its_own_file_alone_and_is_said(
    writer: TimestampSpool, spool: Path, database: Database, name: str
) -> None:
    spool.mkdir()
    path = spool / f"{1:012d}-{1:016x}"
    path.write_bytes(line_of(5) + damaged_spools()[name] + line_of(6))
    writer.append([token(8)])
    for _ in range(2):
        with pytest.raises(SpoolDamaged, match=path.name):
            TimestampFeeder(database, spool).run_once()
    serials = {each for each in range(10) if database.query(entry_of_timestamp, each) is not None}
    assert serials == {5, 8}, "what stood before it, and what another process wrote"
    with database.reading() as tx:
        assert all(b'"kind":"timestamp"' in leaf for leaf in ledger.leaves(tx, 0, 10))
    writer.close()
    remove_fed(spool, TimestampFeeder(database, spool).positions())
    assert path.exists(), "it stays for people to look at"


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_file_is_not_waited_for_and_leads_nowhere(
    writer: TimestampSpool, spool: Path, tmp_path: Path, database: Database, kind: str
) -> None:
    writer.append([token(8)])
    path, elsewhere = spool / f"{1:012d}-{1:016x}", tmp_path / "elsewhere"
    elsewhere.write_bytes(line_of(1))
    {"pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to(elsewhere), "folder": path.mkdir}[kind]()
    with pytest.raises(SpoolDamaged):
        TimestampFeeder(database, spool).run_once()
    assert [each for each in (1, 8) if database.query(entry_of_timestamp, each) is not None] == [8]


def test_a_serial_that_the_log_has_is_not_taken_again(
    writer: TimestampSpool, spool: Path, database: Database
) -> None:
    writer.append([token(1)])
    feeder = TimestampFeeder(database, spool)
    feeder.run_once()
    writer.append([token(1)])
    with pytest.raises(SpoolDamaged, match="issued before"):
        feeder.run_once()
    assert database.query(ledger.length) == 1


def test_a_round_ends_however_much_there_is(spool: Path, database: Database) -> None:
    """Else a scheduler that begins with a round never starts while a writer under foreign control goes on."""
    spool.mkdir()
    for file in range(3):
        lines = b"".join(
            line_of(*range(1000 * file + 10 * each, 1000 * file + 10 * each + 10)) for each in range(9)
        )
        (spool / f"{file:012d}-{file:016x}").write_bytes(lines)
    clock = iter([0.0, 1.0, LONGEST_ROUND, *[LONGEST_ROUND] * 50])
    assert TimestampFeeder(database, spool, ticks=lambda: next(clock)).run_once() == 90
    assert TimestampFeeder(database, spool).run_once() == 180


def test_so_many_files_are_looked_at_and_the_others_are_said(
    spool: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.ledger.timestamp_spool.MOST_FILES", 3)
    spool.mkdir()
    for file in range(4):
        (spool / f"{file:012d}-{file:016x}").write_bytes(line_of(file))
    with pytest.raises(SpoolDamaged, match="more than 3 files"):
        TimestampFeeder(database, spool).run_once()
    assert database.query(count_timestamps) == 3
    with pytest.raises(SpoolDamaged, match="more than 3 files"):
        waiting_since(spool, lambda _: 0)


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
