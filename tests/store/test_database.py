"""The database: durable, all or nothing, its connections shared by threads, never opened by an older release."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pysqlite3
import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from appliance.store import latest, ledger
from appliance.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "state" / "vermilion.db")


def test_the_pragmas_that_durability_needs_hold_in_every_thread(database: Database) -> None:
    found: list[tuple[object, ...]] = []

    def look() -> None:
        with database.reading() as tx:
            names = ("journal_mode", "synchronous", "foreign_keys")
            found.append(tuple(tx.execute(f"PRAGMA {name}").fetchone()[0] for name in names))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert found == [("wal", 2, 1)] * 2


def test_threads_that_come_one_after_the_other_use_the_same_connection(database: Database) -> None:
    used: set[int] = set()

    def look() -> None:
        with database.reading() as tx:
            used.add(id(tx._connection))

    for _ in range(5):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert len(used) == 1


def test_threads_at_the_same_time_use_a_connection_each(database: Database) -> None:
    used: set[int] = set()
    all_there = threading.Barrier(5)

    def look() -> None:
        with database.reading() as tx:
            used.add(id(tx._connection))
            all_there.wait(60)

    threads = [threading.Thread(target=look) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(used) == 5


def test_nobody_else_may_read_the_file(database: Database) -> None:
    assert database.path.stat().st_mode & 0o777 == 0o600


def test_an_exception_undoes_everything(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as tx:
        ledger.append(tx, [b"one"])
        raise RuntimeError
    with database.reading() as tx:
        assert ledger.length(tx) == 0


def test_a_transaction_is_not_opened_inside_another(database: Database) -> None:
    with database.transaction(), pytest.raises(StorageError), database.transaction():
        pass
    with database.reading(), pytest.raises(StorageError), database.transaction():
        pass


def test_reading_inside_a_transaction_sees_it(database: Database) -> None:
    with database.transaction() as tx:
        ledger.append(tx, [b"one"])
        with database.reading() as inside:
            assert ledger.leaf(inside, 0) == b"one"
        ledger.append(tx, [b"two"])
    with database.reading() as tx:
        assert ledger.length(tx) == 2


def test_a_reader_keeps_its_view_while_others_write(database: Database) -> None:
    with database.reading() as tx:
        assert ledger.length(tx) == 0
        writer = threading.Thread(target=_append, args=(database, b"one"))
        writer.start()
        writer.join()
        assert ledger.length(tx) == 0
    with database.reading() as tx:
        assert ledger.length(tx) == 1


def test_writers_in_many_threads_and_processes_lose_nothing(database: Database) -> None:
    script = "from tests.store.test_database import append_many; append_many()"
    other = subprocess.Popen([sys.executable, "-c", script, str(database.path)])
    threads = [threading.Thread(target=_append, args=(database, b"%d" % n, 25)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.wait(60) == 0
    with database.reading() as tx:
        assert ledger.length(tx) == 4 * 25 + 100


def append_many() -> None:
    _append(Database(Path(sys.argv[1])), b"elsewhere", 100)


def test_a_child_of_a_fork_gets_a_connection_of_its_own(database: Database) -> None:
    with database.reading() as tx:
        assert ledger.length(tx) == 0
    child = os.fork()
    if child == 0:
        try:
            _append(database, b"child")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    _append(database, b"parent")
    with database.reading() as tx:
        assert [ledger.leaf(tx, 0), ledger.leaf(tx, 1)] == [b"child", b"parent"]


def test_a_newer_schema_is_refused(database: Database) -> None:
    database.close()
    connection = pysqlite3.connect(database.path)
    connection.execute(f"PRAGMA user_version = {latest() + 1}")
    connection.close()
    with pytest.raises(StorageError, match="use the release that wrote it"):
        Database(database.path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "vermilion.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StorageError, match="cannot be used"):
        Database(path)
    assert path.read_bytes().startswith(b"something else")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A database of somebody else, without a schema of ours."""
    path = tmp_path / "elsewhere.db"
    connection = pysqlite3.connect(path)
    connection.execute("CREATE TABLE precious (thing TEXT)")
    connection.close()
    path.chmod(0o640)
    return path


def test_a_link_is_not_followed(tmp_path: Path, elsewhere: Path) -> None:
    """Where others may write in the directory, too, they could have root open, and change, any file."""
    before, path = elsewhere.read_bytes(), tmp_path / "vermilion.db"
    path.symlink_to(elsewhere)
    with pytest.raises(StorageError, match="link"):
        Database(path)
    assert (elsewhere.read_bytes(), elsewhere.stat().st_mode & 0o777) == (before, 0o640)


def test_a_link_that_comes_later_is_not_followed_either(database: Database, elsewhere: Path) -> None:
    before, refused = elsewhere.read_bytes(), []
    database.path.rename(database.path.with_name("aside.db"))
    database.path.symlink_to(elsewhere)

    def look() -> None:
        try:
            with database.reading():
                pass
        except StorageError as error:
            refused.append(str(error))

    thread = threading.Thread(target=look)
    with database.reading():  # the connection that is there is in use
        thread.start()
        thread.join()
    assert len(refused) == 1
    assert "link" in refused[0]
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_no_file_beside_it_is_a_link_that_is_followed(tmp_path: Path, ending: str) -> None:
    """SQLite's own doing, which this holds it to."""
    precious, path = tmp_path / "precious", tmp_path / "vermilion.db"
    precious.write_bytes(b"precious")
    (tmp_path / f"vermilion.db{ending}").symlink_to(precious)
    with suppress(StorageError):
        Database(path).close()
    assert precious.read_bytes() == b"precious"


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "vermilion.db")
    script = "from tests.store.test_database import open_it; open_it()"
    openers = [subprocess.Popen([sys.executable, "-c", script, path]) for _ in range(4)]
    assert [opener.wait(60) for opener in openers] == [0, 0, 0, 0]


def open_it() -> None:
    Database(Path(sys.argv[1]))


def _append(database: Database, leaf: bytes, times: int = 1) -> None:
    for _ in range(times):
        with database.transaction() as tx:
            ledger.append(tx, [leaf])


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER ledger_is_kept",
        "CREATE TRIGGER spy AFTER INSERT ON ledger BEGIN SELECT 1; END",
        "CREATE TABLE hidden (x)",
    ],
)
def test_a_schema_that_was_changed_from_outside_is_refused(tmp_path: Path, statement: str) -> None:
    Database(tmp_path / "vermilion.db").close()
    connection = sqlite.connect(tmp_path / "vermilion.db")
    connection.execute(statement)
    connection.close()
    with pytest.raises(StorageError, match="changed from outside"):
        Database(tmp_path / "vermilion.db")


@pytest.mark.parametrize(
    "folder",
    [
        "appliance/store/migrations",
        "appliance/store/administration/migrations",
        "appliance/store/health/migrations",
        "hsm/store/migrations",
    ],
)
def test_migrations_are_numbered_from_one_each_once(folder: str) -> None:
    """Of two with one number, one would be lost, and nobody would be told."""
    names = (Path(__file__).parents[2] / folder).iterdir()
    numbers = sorted(int(each.name[:4]) for each in names if each.name.endswith(".sql"))
    assert numbers == list(range(1, len(numbers) + 1))
