"""A consistent copy of the store while it is used, and what an examined copy holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import BackupRefused
from hsm.rows import RowMapper
from hsm.store.database import SCHEMA_VERSION
from hsm.store.log import RememberedCheckpoint
from hsm.store.registry import ROOT, KeyRecord


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """``needed``: the newest key of every subject, and every wrapping key; not the root's, nor destroyed ones."""

    schema: int
    checkpoint: RememberedCheckpoint | None
    needed: tuple[KeyRecord, ...]
    people: frozenset[str]
    """Subjects of persons, officers and seals; what is left are services."""


_CHECKPOINTS = RowMapper(RememberedCheckpoint)
_KEYS = RowMapper(KeyRecord)


def copy_store(path: Path, target: Path) -> None:
    """Writes the store at *path*, as of one moment, to the new file *target*."""
    connection = sqlite.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()
    target.chmod(0o600)


def examine_store(path: Path) -> StoreFacts:
    """The facts of a copied store, untouched. Raises :class:`BackupRefused` when damaged or of a newer release."""
    connection = sqlite.connect(f"file:{path}?mode=ro&immutable=1", uri=True, isolation_level=None)
    try:
        _require_whole(connection)
        return _facts(connection)
    except sqlite.DatabaseError as error:
        raise BackupRefused("The authority's store in the backup is damaged: {why}.", why=error) from error
    finally:
        connection.close()


def _require_whole(connection: sqlite.Connection) -> None:
    schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if schema > SCHEMA_VERSION:
        raise BackupRefused(
            "The authority's store in the backup has schema {found}, this release knows {known}; install the"
            " release that wrote it, or a newer one.",
            found=schema,
            known=SCHEMA_VERSION,
        )
    [(verdict,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise BackupRefused("The authority's store in the backup is damaged: {why}.", why=verdict)


def _facts(connection: sqlite.Connection) -> StoreFacts:
    def rows(statement: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = connection.execute(statement).fetchall()
        return found

    last = connection.execute("SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    destroyed = rows("SELECT name FROM sqlite_schema WHERE name = 'destroyed_keys'")
    kept = " AND label NOT IN (SELECT label FROM destroyed_keys)" if destroyed else ""
    newest = f"SELECT max(rowid) FROM keys WHERE subject <> '{ROOT}'{kept} GROUP BY subject"  # noqa: S608 - fixed
    wanted = f"{newest} UNION SELECT rowid FROM keys WHERE length(public_key) = 0"  # noqa: S608 - fixed
    columns = "label, subject, algorithm, public_key, attributes"
    keys = connection.execute(f"SELECT {columns} FROM keys WHERE rowid IN ({wanted}) ORDER BY label")  # noqa: S608 - fixed
    return StoreFacts(
        schema=int(connection.execute("PRAGMA user_version").fetchone()[0]),
        checkpoint=_CHECKPOINTS.first(last),
        needed=tuple(_KEYS.all(keys)),
        people=frozenset(str(row[0]) for row in rows("SELECT subject FROM subjects WHERE kind <> 'service'")),
    )
