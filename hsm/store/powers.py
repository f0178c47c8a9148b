"""Statements about powers of attorney that officers have confirmed, and since when evidence demands them."""

from __future__ import annotations

from hsm.errors import UnknownKey
from hsm.operation_types import PowerStatement
from hsm.rows import Query, fields_of
from hsm.store.database import AuthorityTables

_STATEMENTS = Query(PowerStatement, "SELECT statement, cms FROM power_statements")


class PowerStatementStore(AuthorityTables):
    """One statement for each power; it stays. Adding belongs into one transaction with the intent."""

    def statement(self, power: str) -> PowerStatement:
        """The statement about the power of this number. Raises :class:`UnknownKey`."""
        missing = UnknownKey("No officer has confirmed the power of attorney {power} here.", power=power)
        return _STATEMENTS.one(self._database, "WHERE power = ?", (power,), missing=missing)

    def is_stated(self, power: str) -> bool:
        return self._database.exists("SELECT 1 FROM power_statements WHERE power = ?", (power,))

    def add_statement(self, power: str, made: PowerStatement) -> None:
        self._database.insert("power_statements", {"power": power, **fields_of(made, "statement cms")})

    def stated_since(self) -> int:
        """The number of the log's first entry from which on evidence demands a statement for each power."""
        return self._database.value(int, "SELECT since FROM powers_stated WHERE one = 1") or 0
