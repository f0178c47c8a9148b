"""A writer of the spool under foreign control can do no more than issue and stop issuing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance.errors import SpoolDamaged
from appliance.ledger.timestamp_feeder import LONGEST_ROUND, TimestampFeeder
from appliance.ledger.timestamp_spool import LARGEST_LINE, TimestampSpool, remove_fed, waiting_since
from appliance.store import ledger
from appliance.store.database import Database
from tests.ledger.spooling import line_of, signed, token
from tests.log import count_timestamps, entry_of_timestamp


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
