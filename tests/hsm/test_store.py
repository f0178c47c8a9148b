"""The authority's own database, as somebody finds it who changed it from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ConfigurationRefused
from hsm.store import Store


@pytest.mark.parametrize("statement", ["DROP TRIGGER checkpoints_remain", "CREATE TABLE hidden (x)"])
def test_a_schema_that_was_changed_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "authority.db"
    Store(path).close()
    Store(path).close()
    connection = sqlite.connect(path)
    connection.execute(statement)
    connection.close()
    with pytest.raises(ConfigurationRefused, match="changed from outside"):
        Store(path)
