"""The authority's statements about what officers have confirmed: powers of attorney, and anchors for outside
signers."""

from __future__ import annotations

from hsm.errors import Sentence, UnknownKey
from hsm.operation_types import SignedStatement
from hsm.rows import Query, fields_of
from hsm.store.database import AuthorityDatabase, AuthorityTables


class StatementStore(AuthorityTables):
    """One statement for each number; it stays. Adding belongs into one transaction with the intent."""

    def __init__(self, database: AuthorityDatabase, about: str, missing: Sentence) -> None:
        """*about*: ``power`` or ``anchor``, as table, column and value of *missing* are called."""
        super().__init__(database)
        self._about, self._missing, self._table = about, missing, f"{about}_statements"
        self._statements = Query(SignedStatement, f"SELECT statement, cms FROM {self._table}")  # noqa: S608 - of two

    def statement(self, number: str) -> SignedStatement:
        """The statement about what has this number. Raises :class:`UnknownKey`."""
        missing = UnknownKey(self._missing.template, **{self._about: number})
        return self._statements.one(self._database, f"WHERE {self._about} = ?", (number,), missing=missing)

    def is_stated(self, number: str) -> bool:
        return self._statements.first(self._database, f"WHERE {self._about} = ?", (number,)) is not None

    def add_statement(self, number: str, made: SignedStatement) -> None:
        self._database.insert(self._table, {self._about: number, **fields_of(made, "statement cms")})

    def powers_stated_since(self) -> int:
        """The number of the log's first entry from which on evidence demands a statement for each power."""
        return self._database.value(int, "SELECT since FROM powers_stated WHERE one = 1") or 0
