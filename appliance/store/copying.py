"""A copy of the database as of one moment, made while others write; and whether a copied one is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from appliance.store import latest
from appliance.store.administration import journal
from appliance.store.database import require_place

_PAGES = 4096


class DatabaseSnapshot:
    """One state of the database, held open by a read transaction."""

    def __init__(self, connection: sqlite.Connection) -> None:
        self._connection = connection

    def log_length(self) -> int:
        """How many entries the log has, in the tables of any release."""
        return int(self._connection.execute("SELECT count(*) FROM ledger").fetchone()[0])

    def published(self) -> int:
        """How many entries the newest checkpoint is over, in the tables of any release; 0 before the first."""
        return int(self._connection.execute("SELECT coalesce(max(size), 0) FROM checkpoints").fetchone()[0])

    def newest_checkpoint(self) -> bytes | None:
        """The note of the newest checkpoint, in the tables of any release; None before the first, and for what is
        too large to be one. Nothing is verified."""
        row = self._connection.execute(
            "SELECT CASE WHEN typeof(note) = 'blob' AND length(note) <= 1048576 THEN note END"
            " FROM checkpoints ORDER BY size DESC LIMIT 1"
        ).fetchone()
        return None if row is None else row[0]

    def leaves_from(self, number: int) -> list[bytes]:
        """The log's entries from *number* on, in their order."""
        rows = self._connection.execute("SELECT leaf FROM ledger WHERE number >= ? ORDER BY number", (number,))
        return [leaf for (leaf,) in rows]

    def feed_positions(self) -> dict[str, int] | None:
        """Up to where the log has the files of the timestamp service's spool; None in a database from before."""
        known = "SELECT 1 FROM sqlite_schema WHERE name = 'timestamp_feeds'"
        if self._connection.execute(known).fetchone() is None:
            return None
        numbers = "SELECT file, position FROM timestamp_feeds WHERE typeof(position) = 'integer' AND position >= 0"
        return dict(self._connection.execute(numbers).fetchall())

    def journal(self) -> str:
        """Which journal of the administration this database has (16 hex digits); empty for none."""
        row = self._connection.execute("SELECT journal FROM identity").fetchone()
        return "" if row is None else str(row[0])

    def action_recorded(self, line: int, known: bytes) -> str:
        """Of which action the journal's *line* tells whose digest is *known*; empty when it tells of none, or is
        not that line any more."""
        row = self._connection.execute(
            "SELECT number, at, who, kind, act, detail, salt, previous FROM journal WHERE number = ?", (line,)
        ).fetchone()
        return "" if row is None else str(journal.told(tuple(row), known).get("action", ""))

    def schema(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def copy_to(self, target: Path) -> None:
        """Writes that state to the new file *target*. Raises :class:`StorageError`."""
        try:
            with sqlite.connect(target) as copy:
                target.chmod(0o600)
                self._connection.backup(copy, pages=_PAGES)
            copy.close()
        except (sqlite.DatabaseError, OSError) as error:
            raise StorageError(
                "The database cannot be copied to {path}: {why}.", path=target, why=error
            ) from error


@contextmanager
def moment_of(path: Path) -> Iterator[DatabaseSnapshot]:
    """The database *path* as it is on entering, whatever is written to it meanwhile.

    Raises :class:`StorageError` when it cannot be read, also for what is asked of it within.
    """
    try:
        file = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite.connect(file, uri=True, timeout=10, isolation_level=None)) as connection:
            require_place(connection, path)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # only a read fixes the moment
            yield DatabaseSnapshot(connection)
    except sqlite.DatabaseError as error:
        raise StorageError("The database {path} cannot be used: {why}.", path=path, why=error) from error


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry of the log that is the line ``line`` of the administration's ``journal``."""

    number: int
    leaf: bytes
    journal: str
    line: int


def carry(path: Path, entries: Sequence[JournalEntry]) -> None:
    """Appends *entries* to the log in *path*, which nobody uses, whatever release made it; those after its end.

    Raises :class:`StorageError` when its log does not end where they begin, or has no such lines.
    """
    try:
        with closing(sqlite.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO ledger (number, leaf) VALUES (?, ?)", [(each.number, each.leaf) for each in entries]
            )
            connection.executemany(
                "INSERT INTO journal_entries (journal, number, entry) VALUES (?, ?, ?)",
                [(each.journal, each.line, each.number) for each in entries],
            )
            connection.execute("COMMIT")
    except sqlite.DatabaseError as error:
        raise StorageError(
            "The administrators' newer lines cannot be put into {path}: {why}.", path=path.name, why=error
        ) from error


def require_whole(path: Path) -> int:
    """The schema's number of the copy *path*, which nobody writes to, and which stays as it is.

    Raises :class:`StorageError` when it is damaged, or a newer release wrote it.
    """
    try:
        file = f"file:{path}?mode=ro&immutable=1"
        with closing(sqlite.connect(file, uri=True, isolation_level=None)) as connection:
            schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if schema > latest():
                raise StorageError(
                    "The backup has schema {found}, this release knows {known}; install the release that made it,"
                    " or a newer one.",
                    found=schema,
                    known=latest(),
                )
            [(verdict,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
            dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite.DatabaseError as error:
        raise StorageError("The database in {path} is damaged: {why}.", path=path, why=error) from error
    if verdict != "ok" or dangling is not None:
        raise StorageError("The database in {path} is damaged: {why}.", path=path, why=verdict)
    return schema
