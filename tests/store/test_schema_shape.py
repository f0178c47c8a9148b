"""What holds for every table of every database, however it came to be."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlite_utils
from pysqlite3 import dbapi2 as sqlite

from appliance.store import APPLIANCE
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from appliance.store.health import HEALTH
from appliance.store.inspection import row_counts
from hsm.schema import Schema

SCHEMAS = pytest.mark.parametrize("schema", [APPLIANCE, ADMINISTRATION, HEALTH], ids=lambda schema: schema.package)


@pytest.fixture
def path(tmp_path: Path, schema: Schema) -> Path:
    Database(tmp_path / "new.db", schema).close()
    return tmp_path / "new.db"


@SCHEMAS
def test_every_table_is_strict(path: Path, schema: Schema) -> None:
    found = sqlite_utils.Database(sqlite.connect(path), execute_plugins=False)
    own = {
        name
        for name in found.table_names()
        if not name.startswith(("contract_search", "contract_grams", "sqlite_"))
    }
    assert own and {name for name in own if not found.table(name).strict} == set()


@SCHEMAS
def test_every_foreign_key_leads_to_a_key(path: Path, schema: Schema) -> None:
    found = sqlite_utils.Database(sqlite.connect(path), execute_plugins=False)
    for name in schema.tables():
        for key in found.table(name).foreign_keys:
            target = found.table(key.other_table)
            unique = [index.columns for index in target.indexes if index.unique]
            assert [key.other_column] in [target.pks, *unique], f"{name}.{key.column}"


@SCHEMAS
def test_the_rows_of_each_table_are_counted_without_a_trace(path: Path, schema: Schema) -> None:
    before = path.read_bytes()
    assert set(row_counts(path, schema)) == schema.tables()
    assert path.read_bytes() == before
