"""A schema's history: numbered files in a folder of migrations, applied once each, in order, never edited; and the
SQLite that may touch it. Shared by all databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ConfigurationRefused
from hsm.settings import INTERRUPTED_ROLLBACK

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_OLDEST_SQLITE = (3, 51, 3)
"""Older ones, in WAL mode, can corrupt a database (the WAL-reset bug of 3.7.0 to 3.51.2)."""


def require_safe_sqlite() -> None:
    """Raises :class:`ConfigurationRefused` for an SQLite that corrupts databases."""
    if sqlite.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationRefused(
            "SQLite {version} can corrupt databases in WAL mode; install pysqlite3 with 3.51.3 or newer.",
            version=sqlite.sqlite_version,
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """The history in the folder ``migrations`` of a ``package``."""

    package: str

    def migrate(self, connection: sqlite.Connection, path: Path) -> None:
        """Brings the database to this release's schema, in one transaction. Safe under concurrent calls. Raises
        :class:`ConfigurationRefused` when a newer release wrote it, when a rollback has put it back and not ended,
        or when tables or triggers are not those that the migrations make: somebody changed them from outside."""
        steps = dict(_steps(self.package))
        if _version(connection) != max(steps):
            _bring_up(connection, path, steps)
        if objects_in(connection) != _own_schema(self.package):
            raise ConfigurationRefused(
                "The tables or triggers of {path} were changed from outside; restore a backup.", path=path
            )

    def require_current(self, connection: sqlite.Connection, path: Path) -> None:
        """Raises :class:`ConfigurationRefused` for a database that an older release made; not for a new one."""
        found = _version(connection)
        if 0 < found < self.latest():
            raise ConfigurationRefused(
                "{path} has schema {found}, this release knows {known}; an older release serves it.",
                path=path,
                found=found,
                known=self.latest(),
            )

    def latest(self) -> int:
        """The number of this release's schema."""
        return max(number for number, _ in _steps(self.package))

    def tables(self) -> frozenset[str]:
        return frozenset(name for name, sql in _own_schema(self.package) if sql.startswith("CREATE TABLE"))


def _bring_up(connection: sqlite.Connection, path: Path, steps: dict[int, str]) -> None:
    # Off while tables are rebuilt (SQLite, "ALTER TABLE", section 7); checked before the commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > max(steps):
            raise ConfigurationRefused(
                "{path} has schema {found}, this release knows {known}; use the release that wrote it.",
                path=path,
                found=found,
                known=max(steps),
            )
        if found and (path.parent.parent / INTERRUPTED_ROLLBACK).exists():
            raise ConfigurationRefused(
                "{path} was put back by a rollback that was interrupted; run `vermilion rollback` again.",
                path=path,
            )
        for number in range(found + 1, max(steps) + 1):
            _apply(connection, steps[number], number)
        _require_whole(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _require_whole(connection: sqlite.Connection, path: Path) -> None:
    dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    if dangling is not None:
        raise ConfigurationRefused(
            "A row of table {table} in {path} points nowhere; nothing was migrated. Restore a backup.",
            table=dangling[0],
            path=path,
        )


@cache
def _own_schema(package: str) -> list[tuple[str, str]]:
    with closing(sqlite.connect(":memory:", isolation_level=None)) as connection:
        for number, script in sorted(_steps(package)):
            _apply(connection, script, number)
        return objects_in(connection)


def _steps(package: str) -> Iterator[tuple[int, str]]:
    for item in resources.files(package).joinpath("migrations").iterdir():
        if name := _NAME.fullmatch(item.name):
            yield int(name[1]), item.read_text(encoding="utf-8")


def _version(connection: sqlite.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _apply(connection: sqlite.Connection, script: str, number: int) -> None:
    apply_script(connection, script)
    connection.execute(f"PRAGMA user_version = {number}")


def apply_script(connection: sqlite.Connection, script: str) -> None:
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
