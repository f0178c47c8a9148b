"""A consistent copy of the store while it is used, what an examined copy holds, and what was done since."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import BackupRefused, StoreUnavailable
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
    """Subjects of persons, their keys for remote signing, officers and seals; what is left are services."""


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


_AHEAD = "expires > unixepoch()"
_DONE = (
    # An unlock opens nothing once the authority has been stopped, and precedes everything where people unlock.
    ("acts", "nonce", "json_extract(act, '$.act') <> 'unlock'"),
    ("withdrawn_intents", "nonce, expires", _AHEAD),
    # By its number: whoever took one back may have given another, and taken that back, too.
    ("approvals", "number, nonce, subject", f"withdrawn IS NOT NULL AND {_AHEAD}"),
    ("credentials", "subject, credential_id, pin_hash", "revoked IS NOT NULL"),
    ("seals", "subject, suspended, destroyed", "suspended IS NOT NULL"),
    ("setup_codes", "digest", "used IS NOT NULL"),
    ("recovery_codes", "digest", "ended IS NOT NULL"),
    ("certificates", "serial", "1"),
    ("revocations", "serial", "1"),
    ("ceremonies", "transcript_sha256", "1"),
)
"""What would be open again, or unknown, in a store without these rows: table, columns, which rows. An approval
that still counts is not among them: whoever gave it gives it once more."""


def done_since(copy: Path, here: Path, *, length: int) -> int:
    """How much the authority of the store *here*, which nobody uses, has done since the *copy* was made, whichever
    releases wrote them; and how many entries it has signed that a log of this *length* does not have. What cannot
    be read counts as one."""
    try:
        with closing(sqlite.connect(here, uri=True, isolation_level=None)) as connection:
            connection.execute("ATTACH ? AS copy", (f"{copy.absolute().as_uri()}?immutable=1",))
            store = Statements(connection)
            last = LAST_CHECKPOINT.first(store)
            missing = max(0, last.size - length) if last else 0
            return missing + sum(_count_since(store, *each) for each in _DONE)
    except sqlite.DatabaseError:
        return 1


def last_signed(path: Path) -> int:
    """The size of the largest checkpoint that the authority of the store *path*, which nobody uses, has signed; 0
    before the first, and for a store that cannot be read."""
    try:
        with closing(sqlite.connect(path, isolation_level=None)) as connection:
            last = LAST_CHECKPOINT.first(Statements(connection))
            return last.size if last else 0
    except sqlite.DatabaseError:
        return 0


def _count_since(store: Statements, table: str, columns: str, which: str) -> int:
    found = f"SELECT {columns} FROM main.{table} WHERE {which}"  # noqa: S608 - fixed
    try:
        before = f"SELECT {columns} FROM copy.{table} WHERE {which}"  # noqa: S608 - fixed
        return store.count(f"SELECT count(*) FROM ({found} EXCEPT {before})")  # noqa: S608 - fixed
    except sqlite.OperationalError:  # the older release has no such table or column
        return store.count(f"SELECT count(*) FROM ({found})")  # noqa: S608 - fixed


def keep_checkpoints(copy: Path, here: Path, *, length: int) -> None:
    """Has the *copy* of the store know all that the store *here* has signed of a log of this *length*: it signs no
    other log of the same size. Raises :class:`StoreUnavailable` when it cannot be written."""
    try:
        with closing(sqlite.connect(copy, isolation_level=None)) as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO checkpoints (size, root) VALUES (?, ?)", _checkpoints(here, length)
            )
    except sqlite.DatabaseError as error:
        raise StoreUnavailable("The authority's store cannot be put back: {why}.", why=error) from error


def _checkpoints(path: Path, length: int) -> list[tuple[int, bytes]]:
    """Those up to this *length* of the log; none in a store that cannot be read."""
    try:
        with closing(sqlite.connect(path, isolation_level=None)) as connection:
            return list(connection.execute("SELECT size, root FROM checkpoints WHERE size <= ?", (length,)))
    except sqlite.DatabaseError:
        return []


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


_PEOPLE = (
    "SELECT subject FROM subjects WHERE kind <> 'service'"
    " UNION SELECT subject FROM keys WHERE subject GLOB 'person-*.*'"
)


def _facts(store: Statements) -> StoreFacts:
    destroyed = store.exists("SELECT name FROM sqlite_schema WHERE name = 'destroyed_keys'")
    kept = " AND label NOT IN (SELECT label FROM destroyed_keys)" if destroyed else ""
    newest = f"SELECT max(rowid) FROM keys WHERE subject <> '{ROOT}'{kept} GROUP BY subject"  # noqa: S608 - fixed
    wanted = f"{newest} UNION SELECT rowid FROM keys WHERE length(public_key) = 0"  # noqa: S608 - fixed
    return StoreFacts(
        schema=store.count("PRAGMA user_version"),
        checkpoint=LAST_CHECKPOINT.first(store),
        needed=tuple(KEYS.all(store, f"WHERE rowid IN ({wanted}) ORDER BY label")),
        people=frozenset(store.column(str, _PEOPLE)),
    )
