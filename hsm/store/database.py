"""The database file: opened with the pragmas that durability needs, in one process and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ConfigurationRefused
from hsm.rows import Statements, apply_script, objects_in

_MIGRATIONS = (
    "0001_store.sql",
    "0002_approvals.sql",
    "0003_seals.sql",
    "0004_keepers.sql",
    "0005_outside_signers.sql",
    "0006_officer_recovery.sql",
)
"""Applied once each, in order; what a home has run is never edited, only followed by the next."""
SCHEMA_VERSION = len(_MIGRATIONS)
_OLDEST_SQLITE = (3, 51, 3)
T = TypeVar("T")


class AuthorityDatabase(Statements):
    """One connection. Transactions are ``BEGIN IMMEDIATE`` and on disk on return (WAL, ``synchronous=FULL``)."""

    def __init__(self, path: Path) -> None:
        """Opens *path*, making it when missing. Raises :class:`ConfigurationRefused` for a wrong one."""
        if sqlite.sqlite_version_info < _OLDEST_SQLITE:
            raise ConfigurationRefused(
                "SQLite {version} can corrupt databases in WAL mode; install pysqlite3 with 3.51.3 or newer.",
                version=sqlite.sqlite_version,
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(sqlite.connect(path, timeout=10, isolation_level=None, cached_statements=256))
        path.chmod(0o600)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._prepare_schema(path)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none; durable when left without an exception. Nested: part of the outer."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _prepare_schema(self, path: Path) -> None:
        with self.transaction():
            version = self.value(int, "PRAGMA user_version") or 0
            if version > SCHEMA_VERSION:
                raise ConfigurationRefused(
                    "{path} has schema {found}, this release knows {known}; use the release that wrote it.",
                    path=path,
                    found=version,
                    known=SCHEMA_VERSION,
                )
            _bring_up(self._connection, version)
            if objects_in(self._connection) != _own_schema():
                raise ConfigurationRefused(
                    "The tables or triggers of {path} were changed from outside; restore a backup.", path=path
                )


def _bring_up(connection: sqlite.Connection, version: int) -> None:
    for name in _MIGRATIONS[version:]:
        script = resources.files("hsm.store").joinpath("migrations", name).read_text(encoding="utf-8")
        apply_script(connection, script)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@cache
def _own_schema() -> list[tuple[str, str]]:
    connection = sqlite.connect(":memory:", isolation_level=None)
    try:
        _bring_up(connection, 0)
        return objects_in(connection)
    finally:
        connection.close()


class AuthorityTables:
    """A part of the store, over its one *database*."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database
