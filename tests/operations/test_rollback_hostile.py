"""A rollback and databases that their owners have spoiled: it says one sentence or counts them as lost, never a
traceback, and the services that it has stopped run again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.clock import utc_now
from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.timestamp_spool import TimestampSpool, spool_files
from appliance.operations.releases import roll_back
from appliance.store import latest
from hsm import canonical
from hsm.timestamp import IssuedToken
from tests.operations.releases import NEXT
from tests.operations.test_releases import NOBODY, Installation, template, upgraded, upgraded_once

__all__ = ["template", "upgraded", "upgraded_once"]


def changed(table: str, statement: str, *values: object) -> Callable[[Home], None]:
    """The portal runs *statement* on its database, in whose *table* nothing is forbidden any more."""

    def change(home: Home) -> None:
        with closing(sqlite.connect(home.database, isolation_level=None)) as connection:
            connection.execute(f"CREATE TABLE free AS SELECT * FROM {table}")  # noqa: S608 -- a name of these tests
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE free RENAME TO {table}")
            connection.execute(statement, values)

    return change


def with_leaf(leaf: object) -> Callable[[Home], None]:
    """The log of the portal gets one more entry, whatever it is."""
    return changed("ledger", "INSERT INTO ledger (number, leaf) SELECT max(number) + 1, ? FROM ledger", leaf)


def line(**public: object) -> bytes:
    """A line of the administrators' journal, as the log has it."""
    return canonical.encode({"kind": EventKind.ADMINISTRATION.value, "public": public})


def own_journal(home: Home) -> str:
    with closing(sqlite.connect(home.administration)) as connection:
        return str(connection.execute("SELECT journal FROM identity").fetchone()[0])


def with_line(**public: object) -> Callable[[Home], None]:
    return lambda home: with_leaf(line(journal=own_journal(home), **public))(home)


def overwritten(home: Home) -> None:
    for ending in ("-wal", "-shm"):
        home.database.with_name(home.database.name + ending).unlink(missing_ok=True)
    home.database.write_bytes(b"not a database" * 1000)


SPOILED = {
    "no database": overwritten,
    "no log": changed("ledger", "DROP TABLE ledger"),
    "text in the log": with_leaf("text"),
    "nothing in the log": with_leaf(None),
    "a number in the log": with_leaf(7),
    "an entry of a list": with_leaf(canonical.encode({"kind": EventKind.ADMINISTRATION.value, "public": [1]})),
    "an entry without public": with_leaf(canonical.encode({"kind": EventKind.ADMINISTRATION.value})),
    "a line that says nothing": with_line(),
    "a line without a number": with_line(what="act-done", line="x", digest="00"),
    "a line of a huge number": with_line(what="act-done", line=2**70, digest="00"),
    "a line without a digest": with_line(what="act-done", line=1, digest="x"),
    "a line of odd things": with_line(what=["act-done"], line=[1], digest=None),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_what_cannot_be_read_is_lost(
    upgraded: Installation, spoil: Callable[[Home], None], tmp_path: Path
) -> None:
    spoil(upgraded.home)
    started = tmp_path / "started"
    with pytest.raises(UpgradeRefused, match=r"cannot read: [1-9][0-9]*\. Going back"):
        roll_back(upgraded.home, upgraded.releases, replace(NOBODY, start=f"touch {started}"))
    assert upgraded.current() == "1.1" and started.exists()
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert (upgraded.current(), upgraded.schema()) == ("1.0", latest())


def test_positions_that_are_no_numbers_hide_no_timestamps(upgraded: Installation) -> None:
    with closing(TimestampSpool(upgraded.home.timestamp_spool)) as spool:
        spool.append([IssuedToken(1, utc_now(), b"token")])
    [file] = spool_files(upgraded.home.timestamp_spool)
    with closing(sqlite.connect(upgraded.home.root / ".before-upgrade/vermilion.db")) as before:
        before.execute("DROP TABLE timestamp_feeds")
    insert = "INSERT INTO timestamp_feeds (file, position) VALUES (?1, NULL), (?1, -1), (?1, 'far')"
    changed("timestamp_feeds", insert, file.name)(upgraded.home)
    with pytest.raises(UpgradeRefused, match=r"cannot read: 1\. Going back"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert upgraded.schema() == latest()


def gone(home: Home) -> None:
    overwritten(home)
    home.database.unlink()


def in_the_way(ending: str) -> Callable[[Home], None]:
    def stand(home: Home) -> None:
        overwritten(home)
        home.database.with_name(f"{ending.replace('NAME', home.database.name)}").mkdir()

    return stand


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (gone, "is gone; put an empty file"),
        *((in_the_way(each), "A directory stands at") for each in (".NAME.part", "NAME-wal", "NAME-shm")),
    ],
    ids=["gone", "part", "wal", "shm"],
)
def test_what_stands_in_the_way_is_named_before_anything_is_changed(
    upgraded: Installation, spoil: Callable[[Home], None], sentence: str, tmp_path: Path
) -> None:
    spoil(upgraded.home)
    started = tmp_path / "started"
    with pytest.raises(UpgradeRefused, match=sentence):
        roll_back(upgraded.home, upgraded.releases, replace(NOBODY, start=f"touch {started}"), forget_newer=True)
    assert upgraded.current() == "1.1" and started.exists()


def test_a_spoiled_database_of_the_administration_comes_back_as_it_was(upgraded: Installation) -> None:
    upgraded.home.administration.write_bytes(b"not a database" * 1000)
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert upgraded.current() == "1.0" and own_journal(upgraded.home)
    assert upgraded.schema() != NEXT
