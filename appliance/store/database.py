"""The database file: opened with the pragmas that durability needs; threads lend each other its connections."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from appliance.sharing import make_directory, make_file
from appliance.store import APPLIANCE
from hsm.errors import ConfigurationRefused
from hsm.rows import Statements
from hsm.schema import Schema, require_safe_sqlite

T = TypeVar("T")
P = ParamSpec("P")

BUSY_SECONDS = 10.0
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "secure_delete = ON",  # what was erased is overwritten in the file, not only unlinked
    "temp_store = MEMORY",
)


class Transaction(Statements):
    """What runs between ``BEGIN`` and ``COMMIT``; only valid inside the ``with`` that gave it."""

    __slots__ = ()

    def forget_oldest(self, table: str, key: str, moment: str, *, before: datetime) -> None:
        """Removes rows whose *moment* is earlier than *before*, a hundred at most; *key* is their primary key."""
        self.execute(
            f"DELETE FROM {table} WHERE ({key}) IN"  # noqa: S608  # names of this package
            f" (SELECT {key} FROM {table} WHERE {moment} < ? ORDER BY {moment} LIMIT 100)",
            (before,),
        )


def pattern_of(words: str) -> str:
    """The pattern by which LIKE finds *words* anywhere, with the backslash as ESCAPE."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"


class _Link:
    """A connection, for one thread at a time; closed when the database closes."""

    def __init__(self, path: Path, patience: float) -> None:
        self.connection = sqlite.connect(
            path, timeout=patience, isolation_level=None, cached_statements=256, check_same_thread=False
        )
        self.process = os.getpid()
        require_place(self.connection, path)
        for pragma in _PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        if self.process == os.getpid():  # a connection must never be touched after a fork
            self.connection.close()


class Database:
    """SQLite at *path*, brought to this release's *schema* on opening. Thread-safe, and safe after ``fork``.

    *patience* is how many seconds it waits for other writers; *as_found* is for whoever must not change its form:
    a process that outlives a change of release.
    Raises :class:`StorageError` for a file that a newer release wrote (*as_found*, an older one too), or an SQLite
    library that is too old.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema = APPLIANCE,
        *,
        patience: float = BUSY_SECONDS,
        as_found: bool = False,
    ) -> None:
        self.path = path
        self._patience = patience
        self._local = threading.local()
        self._links: list[_Link] = []
        self._idle: list[_Link] = []
        self._turn = threading.Lock()
        self._process = os.getpid()
        try:
            require_safe_sqlite()
            with _translated(path):
                make_directory(path.parent)
                make_file(path)  # SQLite gives its other files the mode of this one
                with self._connection() as connection:
                    if as_found:
                        schema.require_current(connection, path)
                    schema.migrate(connection, path)
        except ConfigurationRefused as error:
            raise StorageError(error.template, **error.values) from error

    def close(self) -> None:
        """Closes all connections; no thread may use the database any more."""
        for link in self._links:
            link.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All statements inside, or none; on disk (WAL, ``synchronous=FULL``) when left without an exception.

        ``BEGIN IMMEDIATE``: what is read inside stays true until the commit. Not to be nested, and not to be held
        across anything slow: other writers wait. Raises :class:`StorageError` when SQLite cannot go on;
        ``IntegrityError`` stays, for callers to whom a violated constraint says something.
        """
        if self._in_use() is not None:
            raise StorageError("A transaction was opened inside another one of {path}.", path=self.path)
        with self._connection() as connection, self._alone(), _translated(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One unchanging view of the database. Inside a transaction of this thread: that one's view."""
        outer = self._in_use()
        if outer is not None:
            yield Transaction(outer.connection)
            return
        with self._connection() as connection, _translated(self.path):
            connection.execute("BEGIN")
            try:
                yield Transaction(connection)
            finally:
                _roll_back(connection)

    def query(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *function* finds, alone in a :meth:`reading`."""
        with self.reading() as tx:
            return function(tx, *args, **kwargs)

    def commit(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *function* gives, alone in a :meth:`transaction`."""
        with self.transaction() as tx:
            return function(tx, *args, **kwargs)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The writers of this process take turns by a lock: SQLite waits by sleeping for whole milliseconds."""
        if not self._turn.acquire(timeout=self._patience):
            raise StorageError("Another writer holds the database {path}; try again in a moment.", path=self.path)
        try:
            yield
        finally:
            self._turn.release()

    def _in_use(self) -> _Link | None:
        """What this thread is using, unless it was forked meanwhile."""
        link: _Link | None = getattr(self._local, "link", None)
        return link if link is not None and link.process == os.getpid() else None

    @contextmanager
    def _connection(self) -> Iterator[sqlite.Connection]:
        """A connection for this thread alone. The one last used is the next, so there are as many as threads that
        were busy at the same time: each holds the whole schema, more than a megabyte."""
        self._local.link = link = self._next()
        try:
            yield link.connection
        finally:
            self._local.link = None
            if link.process == os.getpid() and not link.connection.in_transaction:  # it is, if rolling back failed
                self._idle.append(link)

    def _next(self) -> _Link:
        if self._process != os.getpid():  # forked: whoever held the turn is not here, and no connection is ours
            self._turn, self._idle = threading.Lock(), []
            self._process = os.getpid()  # last: other threads go on now
        with suppress(IndexError):
            return self._idle.pop()
        with _translated(self.path):
            link = _Link(self.path, self._patience)
        self._links.append(link)
        return link


class _OnDatabase(Protocol):
    """A service whose methods :func:`reads` and :func:`commits` make."""

    _database: Database


def reads(query: Callable[Concatenate[Transaction, P], T]) -> Callable[Concatenate[_OnDatabase, P], T]:
    """A method of a service that only passes its arguments with *query* to :meth:`Database.query`."""

    @wraps(query)
    def method(self: _OnDatabase, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._database.query(query, *args, **kwargs)

    return method


def commits(change: Callable[Concatenate[Transaction, P], T]) -> Callable[Concatenate[_OnDatabase, P], T]:
    """The same with :meth:`Database.commit`."""

    @wraps(change)
    def method(self: _OnDatabase, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._database.commit(change, *args, **kwargs)

    return method


def require_place(connection: sqlite.Connection, path: Path) -> None:
    """Raises ``OperationalError`` when *connection* has opened another file than *path*.

    SQLite follows links to the file that it then opens: whoever writes in the directory could have root open, copy
    or migrate a file elsewhere. It says itself what it opened; further files it opens beside that, and no links.
    """
    opened = connection.execute("PRAGMA database_list").fetchone()[2]
    if Path(opened) != path.parent.resolve() / path.name:
        connection.close()
        raise sqlite.OperationalError(f"it is a link to {opened!r}")


@contextmanager
def at_rest(path: Path) -> Iterator[Transaction]:
    """One view of the database at *path* that nobody writes now, for whoever may not write beside it: in WAL mode
    SQLite makes a file of shared memory there, or opens nothing. Raises :class:`StorageError`.
    """
    with _translated(path):
        file = f"{path.absolute().as_uri()}?immutable=1"
        with closing(sqlite.connect(file, uri=True, isolation_level=None)) as connection:
            yield Transaction(connection)


def _roll_back(connection: sqlite.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite.IntegrityError, sqlite.ProgrammingError):
        raise
    except (sqlite.DatabaseError, OSError) as error:
        raise StorageError("The database {path} cannot be used: {why}.", path=path, why=error) from error
