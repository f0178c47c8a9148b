"""What is in a database that nobody need be able to open otherwise: read only, for diagnosis and support."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import sqlite_utils
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from hsm.schema import Schema


def row_counts(path: Path, schema: Schema) -> Mapping[str, int]:
    """Table → rows, for tables of *schema* alone; reads and changes nothing. Raises :class:`StorageError`."""
    try:
        file = f"file:{path}?mode=ro"
        with closing(sqlite.connect(file, uri=True, isolation_level=None, timeout=5)) as connection:
            found = sqlite_utils.Database(connection, execute_plugins=False)
            return {name: found.table(name).count for name in sorted(schema.tables() & set(found.table_names()))}
    except (sqlite.DatabaseError, OSError) as error:
        raise StorageError("The database {path} cannot be used: {why}.", path=path, why=error) from error
