"""The database file: opened with the pragmas that durability needs, in one process and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pysqlite3 import dbapi2 as sqlite

from hsm.rows import Statements
from hsm.schema import Schema, require_safe_sqlite

SCHEMA = Schema("hsm.store")
T = TypeVar("T")


class AuthorityDatabase(Statements):
    """One connection. Transactions are ``BEGIN IMMEDIATE`` and on disk on return (WAL, ``synchronous=FULL``)."""

    def __init__(self, path: Path) -> None:
        """Opens *path*, making it when missing. Raises :class:`ConfigurationRefused` for a wrong one."""
        require_safe_sqlite()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(sqlite.connect(path, timeout=10, isolation_level=None, cached_statements=256))
        path.chmod(0o600)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        SCHEMA.migrate(self._connection, path)

    def close(self) -> None:
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


class AuthorityTables:
    """A part of the store, over its one *database*."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database
