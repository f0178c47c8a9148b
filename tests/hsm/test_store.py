"""The authority's own database, as somebody finds it who changed it from outside."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ConfigurationRefused
from hsm.schema import apply_script
from hsm.store import AuthorityStore


@pytest.mark.parametrize("statement", ["DROP TRIGGER checkpoints_remain", "CREATE TABLE hidden (x)"])
def test_a_schema_that_was_changed_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "authority.db"
    AuthorityStore(path).close()
    AuthorityStore(path).close()
    connection = sqlite.connect(path)
    connection.execute(statement)
    connection.close()
    with pytest.raises(ConfigurationRefused, match="changed from outside"):
        AuthorityStore(path)


def test_a_store_of_the_first_release_is_brought_up_with_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    connection = sqlite.connect(path, isolation_level=None)
    first = resources.files("hsm.store").joinpath("migrations/0001_store.sql").read_text(encoding="utf-8")
    apply_script(connection, first)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO subjects VALUES ('person-kept', 'person', '张示例', '甲公司', 7)")
    connection.close()

    store = AuthorityStore(path)

    assert store.people.subject("person-kept").name == "张示例"
    assert store.setup.unused(0) == []
    store.close()


def test_a_store_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    AuthorityStore(path).close()
    connection = sqlite.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationRefused, match="schema 99"):
        AuthorityStore(path)
