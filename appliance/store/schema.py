"""A schema's history: numbered files in a folder of migrations, applied once each, in order, never edited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from hsm.rows import apply_script, objects_in

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Schema:
    """The history in ``folder``, below ``appliance/store``."""

    folder: str

    def migrate(self, connection: sqlite.Connection, path: Path) -> None:
        """Brings the database to this release's schema. Raises :class:`StorageError` when a newer release wrote
        it, or when tables or triggers are not those that the migrations make: somebody changed them from
        outside."""
        steps = dict(_steps(self.folder))
        if _version(connection) != max(steps):
            _bring_up(connection, path, steps)
        if objects_in(connection) != _own_schema(self.folder):
            raise StorageError(
                "The tables or triggers of {path} were changed from outside; restore a backup.", path=path
            )

    def require_current(self, connection: sqlite.Connection, path: Path) -> None:
        """Raises :class:`StorageError` for a database that an older release made; one that is new is made here."""
        found = _version(connection)
        if 0 < found < self.latest():
            raise StorageError(
                "{path} has schema {found}, this release knows {known}; an older release serves it.",
                path=path,
                found=found,
                known=self.latest(),
            )

    def latest(self) -> int:
        """The number of this release's schema."""
        return max(number for number, _ in _steps(self.folder))

    def tables(self) -> frozenset[str]:
        """The names of its tables."""
        return frozenset(name for name, sql in _own_schema(self.folder) if sql.startswith("CREATE TABLE"))


APPLIANCE = Schema("migrations")
"""The schema of the appliance's database."""


def _bring_up(connection: sqlite.Connection, path: Path, steps: dict[int, str]) -> None:
    # Off while tables are rebuilt (SQLite, "ALTER TABLE", section 7); checked before the commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > max(steps):
            raise StorageError(
                "{path} has schema {found}, this release knows {known}; use the release that wrote it.",
                path=path,
                found=found,
                known=max(steps),
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
        raise StorageError(
            "A row of table {table} in {path} points nowhere; nothing was migrated. Restore a backup.",
            table=dangling[0],
            path=path,
        )


def latest() -> int:
    """The number of this release's schema of the appliance's database."""
    return APPLIANCE.latest()


@cache
def _own_schema(folder: str) -> list[tuple[str, str]]:
    connection = sqlite.connect(":memory:", isolation_level=None)
    try:
        for number, script in sorted(_steps(folder)):
            _apply(connection, script, number)
        return objects_in(connection)
    finally:
        connection.close()


def _steps(folder: str) -> Iterator[tuple[int, str]]:
    for item in resources.files("appliance.store").joinpath(folder).iterdir():
        if name := _NAME.fullmatch(item.name):
            yield int(name[1]), item.read_text(encoding="utf-8")


def _version(connection: sqlite.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _apply(connection: sqlite.Connection, script: str, number: int) -> None:
    apply_script(connection, script)
    connection.execute(f"PRAGMA user_version = {number}")
