"""SQL schemas, as both databases use them: applied statement by statement, compared with what they should be."""

from __future__ import annotations

from pysqlite3 import dbapi2 as sqlite


def apply(connection: sqlite.Connection, script: str) -> None:
    """Statement by statement: ``executescript`` would commit first, and half of *script* could stay."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def objects_in(connection: sqlite.Connection) -> list[tuple[str, str]]:
    """Name and SQL of every table, index and trigger: a dropped trigger would let kept rows be rewritten."""
    return list(
        connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
            " ORDER BY name"
        )
    )
