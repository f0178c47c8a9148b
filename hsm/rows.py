"""Rows of SQLite as typed values, by the names of their columns; shared by all databases.

A column is a field of the same name; ``AS`` renames it in the query. What a column's text means follows from the
field's type: instants, days and times in ISO 8601, the values of enumerations, JSON for tuples, sets and mappings.
Instants are bound to statements as they are (:func:`hsm.intents.instant`): text order is time order.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import RefusalError
from hsm.intents import instant

T = TypeVar("T")
_Convert = Callable[[Any], Any]
_PLAIN = frozenset({str, int, float, bytes, Any})
_FROM_TEXT: Mapping[Any, _Convert] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    bool: bool,
}

sqlite.register_adapter(datetime, instant)


_Made = tuple[Callable[..., Any], tuple[str, ...]]


def columns(make: Callable[..., Any], *names: str) -> _Made:
    """A field that *make* builds from the columns *names*, NULL included."""
    return make, names


_Row = tuple[Any, ...]
_Fields = list[Callable[[_Row], Any]]


class Query(Generic[T]):
    """Rows as values of *target*, a frozen dataclass or a function with typed parameters; *select* begins the
    statement.

    *sources* are the fields that are not simply the column of their name: another converter of that column (not
    called for NULL), or :func:`columns`. A query that lacks a column, or has one that no field takes, is a
    TypeError: a default of a field cannot hide a missing column.
    """

    def __init__(self, target: Callable[..., T], select: str = "", **sources: _Made | _Convert) -> None:
        self._target = target
        self._select = select
        self._sources = sources
        self._plans: dict[tuple[Any, ...], _Fields] = {}

    def all(self, tx: Statements, rest: str = "", values: Sequence[Any] = (), **given: Any) -> list[T]:
        """A value for each row of the statement that *rest* completes; *given* are fields that are no columns."""
        statement = f"{self._select} {rest}"
        cursor = tx.execute(statement, values)
        fields, more = self._fields(statement, cursor, given), tuple(given.values())
        rows = [row + more for row in cursor]
        return [self._target(*[field(row) for field in fields]) for row in rows]

    def first(self, tx: Statements, rest: str = "", values: Sequence[Any] = (), **given: Any) -> T | None:
        """The value of the first row, None without one."""
        statement = f"{self._select} {rest}"
        cursor = tx.execute(statement, values)
        row = cursor.fetchone()
        if row is None:
            return None
        row += tuple(given.values())
        return self._target(*[field(row) for field in self._fields(statement, cursor, given)])

    def one(self, tx: Statements, rest: str, values: Sequence[Any], *, missing: RefusalError, **given: Any) -> T:
        """The value of the first row. Raises *missing* without one."""
        found = self.first(tx, rest, values, **given)
        if found is None:
            raise missing
        return found

    def _fields(self, statement: str, cursor: sqlite.Cursor, given: Mapping[str, Any]) -> _Fields:
        """What gives each field, in their order, from a row of *cursor*, which runs *statement*, with the *given*
        values behind it."""
        key = (statement, *given)
        known = self._plans.get(key)
        if known is None:
            names = tuple(each[0] for each in cursor.description)
            known = self._plans[key] = self._plan(names, tuple(given))
        return known

    def _plan(self, names: Sequence[str], given: Sequence[str]) -> _Fields:
        hints, plan, taken = get_type_hints(self._target), _Fields(), set[str]()
        for field in inspect.signature(self._target).parameters:
            if field in given:
                plan.append(itemgetter(len(names) + given.index(field)))
                continue
            source = self._sources.get(field) or _converter(hints[field])
            wanted = source[1] if isinstance(source, tuple) else (field,)
            if missing := [name for name in wanted if name not in names]:
                raise TypeError(f"{self._target.__qualname__}.{field}: the query has no column {missing[0]}")
            taken.update(wanted)
            plan.append(_reader(source, [names.index(name) for name in wanted]))
        if unused := set(names) - taken:
            raise TypeError(f"{self._target.__qualname__}: no field takes the column {min(unused)}")
        return plan


def _reader(source: _Made | _Convert | None, places: list[int]) -> Callable[[_Row], Any]:
    """What makes a field of the columns at *places*."""
    if isinstance(source, tuple):
        make, _ = source
        return lambda row: make(*[row[place] for place in places])
    [place] = places
    if source is None:
        return itemgetter(place)
    return lambda row: None if row[place] is None else source(row[place])


def converted(kind: type[T], value: Any) -> T:
    """The column's *value*, which is not NULL, as *kind*."""
    hint: Any = kind
    convert = _converter(hint)
    made: T = value if convert is None else convert(value)
    return made


def fields_of(value: object, names: str) -> dict[str, Any]:
    """The attributes of *value* with these *names* (separated by spaces), as columns of the same names."""
    return {name: getattr(value, name) for name in names.split()}


@cache
def _converter(hint: Hashable) -> _Convert | None:
    """From what SQLite gives to *hint*; None for what it gives as it is."""
    kind = get_origin(hint)
    if kind in (Union, UnionType):
        [hint] = [each for each in get_args(hint) if each is not NoneType]
        return _converter(hint)
    if hint in _PLAIN:
        return None
    if hint in _FROM_TEXT:
        return _FROM_TEXT[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if kind in (tuple, frozenset):
        each = _converter(get_args(hint)[0])
        return lambda text: kind(json.loads(text) if each is None else map(each, json.loads(text)))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return json.loads
    raise TypeError(f"no column has the type {hint}; say how it is made")


class Statements:
    """Statements on one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite.Cursor:
        """Runs one statement; the cursor gives rows (tuples) and ``rowcount``."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> sqlite.Cursor:
        """Runs one changing statement for each of *rows*."""
        return self._connection.executemany(statement, rows)

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs one changing statement; how many rows it changed."""
        return int(self.execute(statement, values).rowcount)

    def changed(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Runs one conditional statement; whether it changed anything."""
        return self.change(statement, values) > 0

    def insert(self, table: str, row: Mapping[str, Any], *, conflict: str = "") -> int:
        """Inserts *row* (column → value); *conflict* is an upsert clause. How many rows."""
        return self.change(*_insertion(table, row, conflict))

    def insert_new(self, table: str, row: Mapping[str, Any]) -> int | None:
        """Inserts *row*, unless one with the same key is there: its new ``id``, or None."""
        return self.value(int, *_insertion(table, row, "ON CONFLICT DO NOTHING RETURNING id"))

    def insert_if_new(self, table: str, row: Mapping[str, Any]) -> bool:
        """Inserts *row* unless a constraint says that there is one already; whether it did."""
        return self.insert(table, row, conflict="ON CONFLICT DO NOTHING") == 1

    def save(self, table: str, row: Mapping[str, Any], *, key: str) -> None:
        """Inserts *row*, or puts it in place of the one with the same values of *key* (columns, by spaces)."""
        keys = key.split()
        changes = ", ".join(f"{column} = excluded.{column}" for column in row if column not in keys)
        self.insert(table, row, conflict=f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}")

    def update(self, table: str, row: Mapping[str, Any], **where: Any) -> bool:
        """Sets the columns of *row* in the rows that have the values of *where* (None: NULL); whether any had."""
        assignments = ", ".join(f"{column} = ?" for column in row)
        condition, values = _condition(where)
        statement = f"UPDATE {table} SET {assignments} WHERE {condition}"  # noqa: S608  # names of this program
        return self.changed(statement, (*row.values(), *values))

    def delete(self, table: str, **where: Any) -> bool:
        """Removes the rows that have the values of *where* (None: NULL); whether there were any."""
        condition, values = _condition(where)
        return self.changed(f"DELETE FROM {table} WHERE {condition}", values)  # noqa: S608  # as above

    def value(self, kind: type[T], statement: str, values: Sequence[Any] = ()) -> T | None:
        """The first column of the first row as *kind*; None without a row, and for NULL."""
        row = self.execute(statement, values).fetchone()
        return None if row is None or row[0] is None else converted(kind, row[0])

    def column(self, kind: type[T], statement: str, values: Sequence[Any] = ()) -> list[T]:
        """The first column of every row."""
        return [converted(kind, row[0]) for row in self.execute(statement, values).fetchall()]

    def count(self, statement: str, values: Sequence[Any] = ()) -> int:
        """The number that the query gives as its only column, in one row."""
        [[number]] = self.execute(statement, values).fetchall()
        return int(number)

    def exists(self, statement: str, values: Sequence[Any] = ()) -> bool:
        return self.execute(statement, values).fetchone() is not None


@contextmanager
def refusing(refusal: RefusalError, *, only: Sequence[str] = ("",)) -> Iterator[None]:
    """Raises *refusal* for a statement that violates a constraint, if SQLite's message has a word of *only*."""
    try:
        yield
    except sqlite.IntegrityError as error:
        if not any(word in str(error) for word in only):
            raise
        raise refusal from error


def _insertion(table: str, row: Mapping[str, Any], rest: str) -> tuple[str, tuple[Any, ...]]:
    places = ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) {rest}", tuple(row.values())  # noqa: S608 # our names


def _condition(where: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """NULL is spelled out: SQLite uses a partial index for a condition that it sees, not for a bound value."""
    terms = (f"{column} IS NULL" if value is None else f"{column} = ?" for column, value in where.items())
    return " AND ".join(terms), tuple(value for value in where.values() if value is not None)
