"""Statements about anchors for outside signers that officers have approved."""

from __future__ import annotations

from hsm.errors import UnknownKey
from hsm.operation_types import AnchorStatement
from hsm.rows import Query, fields_of
from hsm.store.database import AuthorityTables

_STATEMENTS = Query(AnchorStatement, "SELECT statement, cms FROM anchor_statements")


class AnchorStatementStore(AuthorityTables):
    """One statement for each anchor; it stays. Adding belongs into one transaction with the intent."""

    def statement(self, anchor: str) -> AnchorStatement:
        """The statement about the anchor of this number. Raises :class:`UnknownKey`."""
        missing = UnknownKey("No officer has approved the anchor {anchor} here.", anchor=anchor)
        return _STATEMENTS.one(self._database, "WHERE anchor = ?", (anchor,), missing=missing)

    def is_stated(self, anchor: str) -> bool:
        return self._database.exists("SELECT 1 FROM anchor_statements WHERE anchor = ?", (anchor,))

    def add_statement(self, anchor: str, made: AnchorStatement) -> None:
        self._database.insert("anchor_statements", {"anchor": anchor, **fields_of(made, "statement cms")})
