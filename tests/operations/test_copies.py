"""The databases that an upgrade puts aside, in directories where others write what root then handles."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError, UpgradeRefused
from appliance.home import Home
from appliance.operations.releases.copies import DatabaseCopies, PutBack
from appliance.operations.releases.tree import Upgrade, UpgradeStep


def database(path: Path, said: str, *, form: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA user_version = {form}")
    connection.execute("CREATE TABLE note (said TEXT)")
    connection.execute("INSERT INTO note VALUES (?)", (said,))
    connection.close()
    return path


UPGRADE = Upgrade("1.0", "1.1", UpgradeStep.COPIED, archive="20261130T020000Z")


def put_back(copies: DatabaseCopies, *, together: bool = True) -> None:
    copies.put_back(PutBack(UPGRADE, copies.files(together=together), None))


def said_in(path: Path) -> str:
    connection = sqlite.connect(path)
    [(said,)] = connection.execute("SELECT said FROM note").fetchall()
    connection.close()
    return str(said)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for path in (home.database, home.root / "authority/authority.db", home.administration, home.health):
        database(path, "before").chmod(0o660)
    return home


def test_all_come_back_as_they_were(home: Home) -> None:
    copies = DatabaseCopies(home)
    copies.make(UPGRADE)
    for path in (home.database, home.administration, home.health):
        path.unlink()
        database(path, "after", form=2).chmod(0o660)
    put_back(copies)
    for path in (home.database, home.administration, home.health):
        assert (said_in(path), path.stat().st_mode & 0o777) == ("before", 0o660)


def test_what_kept_its_form_and_stands_apart_stays(home: Home) -> None:
    """Administrators' acts and the health monitor's figures since: the older release reads them as they are."""
    copies = DatabaseCopies(home)
    copies.make(UPGRADE)
    assert copies.keep_the_journal and not copies.are_needed
    for path in (home.database, home.administration, home.health):
        path.unlink()
        database(path, "after").chmod(0o660)
    put_back(copies)
    said = [said_in(path) for path in (home.database, home.administration, home.health)]
    assert said == ["before", "after", "after"]
    home.health.unlink()
    database(home.health, "after", form=2)
    assert copies.are_needed
    put_back(copies, together=False)
    assert said_in(home.health) == "before"


def test_a_link_that_waits_there_leads_nowhere(home: Home, tmp_path: Path) -> None:
    """Laid by whoever may write beside the database, for root to write through."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    precious.chmod(0o640)
    copies = DatabaseCopies(home)
    copies.make(UPGRADE)
    home.administration.unlink()
    database(home.administration, "after", form=2).chmod(0o660)
    home.administration.with_name(".administration.db.part").symlink_to(precious)
    put_back(copies)
    assert (precious.read_bytes(), precious.stat().st_mode & 0o777) == (b"precious", 0o640)
    assert said_in(home.administration) == "before"


def test_a_link_in_the_place_of_a_database_is_neither_copied_nor_replaced(home: Home, tmp_path: Path) -> None:
    """Or the copy would bring somebody what is not theirs."""
    copies, elsewhere = DatabaseCopies(home), database(tmp_path / "elsewhere.db", "secret")
    copies.make(UPGRADE)
    home.administration.unlink()
    home.administration.symlink_to(elsewhere)
    with pytest.raises((UpgradeRefused, StorageError), match="link"):
        put_back(copies)
    with pytest.raises(StorageError, match="link"):
        copies.make(UPGRADE)
    assert said_in(elsewhere) == "secret"
