"""Deposits from before they had a rights holder and several files: they stay as they were, and are found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.model.deposits import DepositedFile
from appliance.store import ownership
from appliance.store.database import Database
from hsm import schema

ROWS = f"""
INSERT INTO people (subject, name, organisation, email, language, zone, guest) VALUES
    ('person-zhang', '张示例', '甲公司', 'zhang@alpha.example', 'zh', 'Asia/Shanghai', 0);
INSERT INTO deposits (id, depositor, title, file, digest, size, at, token, certificate, entry) VALUES
    ('aa', 'person-zhang', '设计图', '图.png', '{"1" * 64}', 7, '2026-11-24T08:00:00Z', x'01', '{"c" * 64}', 5),
    ('bb', 'person-zhang', '手稿', '', '{"2" * 64}', NULL, '2026-11-24T09:00:00Z', x'02', '{"d" * 64}', 9);
"""  # noqa: S608 -- literals alone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database of an appliance with two deposits."""
    found = tmp_path / "vermilion.db"
    steps = sorted(schema._steps("appliance.store"))
    [own] = [number for number, script in steps if "CREATE TABLE deposits_now" in script]
    with closing(sqlite.connect(found, isolation_level=None)) as connection:
        for number, script in steps:
            if number < own:
                schema._apply(connection, script, number)
        connection.executescript(ROWS)
        connection.execute(f"PRAGMA user_version = {own - 1}")
    found.chmod(0o600)
    return found


def test_they_stay_as_they_were_and_are_found_by_their_files(path: Path) -> None:
    with closing(Database(path)) as database, database.reading() as tx:
        newer, older = ownership.of_person(tx, "person-zhang", limit=9)
        [found] = ownership.of_digest(tx, "1" * 64, limit=9)
        files = [ownership.files_of(tx, each) for each in ("aa", "bb")]
        certificates = [ownership.certificate_of(tx, each) for each in ("aa", "bb")]
    assert (older.id, older.title, older.size, older.entry, older.token) == ("aa", "设计图", 7, 5, b"\x01")
    assert (newer.id, newer.size) == ("bb", None)
    assert certificates == ["c" * 64, "d" * 64]
    assert (older.organisation, older.work, older.predecessor, older.files) == ("甲公司", None, None, 1)
    assert found == older
    assert files == [[DepositedFile("图.png", "1" * 64, 7)], [DepositedFile("", "2" * 64)]]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deposits SET title = 'other'",
        "UPDATE deposit_files SET digest = substr(digest, 2) || '0'",
        "DELETE FROM deposit_files",
        "UPDATE deposit_certificates SET digest = substr(digest, 2) || '0'",
        "DELETE FROM deposit_certificates",
    ],
)
def test_nothing_of_them_is_rewritten(path: Path, change: str) -> None:
    with (
        closing(Database(path)) as database,
        database.transaction() as tx,
        pytest.raises(sqlite.IntegrityError, match="deposit"),
    ):
        tx.execute(change)
