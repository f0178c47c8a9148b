"""How many rows each table has, of a database that nobody need be able to open otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from appliance.store.schema import Schema


def sizes(path: Path, schema: Schema) -> Mapping[str, int]:
    """Table → rows, for tables of *schema* alone; reads and changes nothing. Raises :class:`StorageError`."""
    try:
        connection = sqlite.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=5)
        try:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            counting = "SELECT count(*) FROM "
            return {
                name: int(connection.execute(f'{counting}"{name}"').fetchone()[0])
                for name in sorted(schema.tables() & there)
            }
        finally:
            connection.close()
    except (sqlite.DatabaseError, OSError) as error:
        raise StorageError("The database {path} cannot be used: {why}.", path=path, why=error) from error
