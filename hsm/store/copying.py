"""A consistent copy of the store while it is used, and what an examined copy holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import BackupRefused
from hsm.operation_types import SignedCheckpoint
from hsm.rows import Statements
from hsm.store.database import SCHEMA
from hsm.store.log import LAST_CHECKPOINT
from hsm.store.registry import KEYS, ROOT, KeyRecord


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """``needed``: the newest key of every subject, and every wrapping key; not the root's, nor destroyed ones."""

    schema: int
    checkpoint: SignedCheckpoint | None
    needed: tuple[KeyRecord, ...]
    people: frozenset[str]
    """Subjects of persons, officers and seals; what is left are services."""


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
        store = Statements(connection)
        _require_whole(store)
        return _facts(store)
    except sqlite.DatabaseError as error:
        raise BackupRefused("The authority's store in the backup is damaged: {why}.", why=error) from error
    finally:
        connection.close()


def _require_whole(store: Statements) -> None:
    schema = store.count("PRAGMA user_version")
    if schema > SCHEMA.latest():
        raise BackupRefused(
            "The authority's store in the backup has schema {found}, this release knows {known}; install the"
            " release that wrote it, or a newer one.",
            found=schema,
            known=SCHEMA.latest(),
        )
    verdict = store.value(str, "PRAGMA integrity_check(1)")
    if verdict != "ok" or store.exists("PRAGMA foreign_key_check"):
        raise BackupRefused("The authority's store in the backup is damaged: {why}.", why=verdict)


def _facts(store: Statements) -> StoreFacts:
    destroyed = store.exists("SELECT name FROM sqlite_schema WHERE name = 'destroyed_keys'")
    kept = " AND label NOT IN (SELECT label FROM destroyed_keys)" if destroyed else ""
    newest = f"SELECT max(rowid) FROM keys WHERE subject <> '{ROOT}'{kept} GROUP BY subject"  # noqa: S608 - fixed
    wanted = f"{newest} UNION SELECT rowid FROM keys WHERE length(public_key) = 0"  # noqa: S608 - fixed
    return StoreFacts(
        schema=store.count("PRAGMA user_version"),
        checkpoint=LAST_CHECKPOINT.first(store),
        needed=tuple(KEYS.all(store, f"WHERE rowid IN ({wanted}) ORDER BY label")),
        people=frozenset(store.column(str, "SELECT subject FROM subjects WHERE kind <> 'service'")),
    )
