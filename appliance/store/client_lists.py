"""Lists of contracts for clients of the API: every query walks an index and stops after a bounded number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from appliance.acting_client import ClientReach
from appliance.model.contract import ContractState
from appliance.model.listing import EVERYTHING, ClientFilter, ListCursor
from appliance.store.database import Transaction
from hsm.rows import Query

LOOKED_AT: Final = 2000
"""Contracts that one page looks at, at most; the next page goes on from there."""

NOT_OVER: Final = frozenset({ContractState.DRAFT, ContractState.SENT, ContractState.SIGNED})
"""The states of the index ``contracts_not_over``."""

_LAST = ListCursor("9999", 2**62)

_BY_CHANGE = (
    "SELECT number, touched AS at FROM involvements INDEXED BY involvements_all WHERE person = ?1"
    " AND touched >= ?2 AND (touched, number) < (?3, ?4) ORDER BY touched DESC, number DESC"
)
_BY_NUMBER = (
    "SELECT number, '' AS at FROM involvements WHERE person = ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL"
    " AND number < ?4 ORDER BY number DESC"
)
_NOT_OVER = (
    "SELECT number, '' AS at FROM contracts INDEXED BY contracts_not_over"
    " WHERE state IN ('draft', 'sent', 'signed') AND ?1 IS NOT NULL AND ?2 IS NOT NULL AND ?3 IS NOT NULL"
    " AND number < ?4 ORDER BY number DESC"
)
_FITS = (
    "(?5 = '' OR c.state = ?5) AND (?6 = '' OR c.kind = ?6)"
    " AND EXISTS (SELECT 1 FROM people AS p WHERE p.subject = c.initiator AND p.guest = 0"
    " AND p.organisation IN (SELECT value FROM json_each(?7)))"
    " AND (?8 = '[]' OR c.kind IN (SELECT value FROM json_each(?8)))"
)


def candidates(
    tx: Transaction, reach: ClientReach, wanted: ClientFilter, after: ListCursor | None
) -> Iterator[tuple[ListCursor, str | None]]:
    """Places of the list behind *after*, with the contract's id where it is wanted and of the organisations and
    types in *reach*; at most :data:`LOOKED_AT`. Whether the client may read it, the access check says.

    The newest come first; with ``changed_since`` those that changed last.
    """
    source = _BY_NUMBER if wanted.state not in NOT_OVER else _NOT_OVER
    if wanted.changed_since is not None:
        source = _BY_CHANGE
    start = after or _LAST
    rows = tx.execute(
        f"SELECT found.number, found.at, CASE WHEN {_FITS} THEN c.id END"  # noqa: S608 -- all literals
        f" FROM ({source} LIMIT {LOOKED_AT}) AS found"
        " CROSS JOIN contracts AS c ON c.number = found.number",
        (
            EVERYTHING,
            wanted.changed_since or "",
            start.at,
            start.number,
            wanted.state or "",
            wanted.kind,
            json.dumps(sorted(reach.organisations)),
            json.dumps(sorted(reach.kinds)),
        ),
    )
    return ((ListCursor(at, number), contract) for number, at, contract in rows)


def _whose(initiator: str, touched: datetime) -> tuple[str, datetime]:
    return initiator, touched


_WHOSE = Query(_whose, "SELECT initiator, touched FROM contracts")


def initiator_and_change(tx: Transaction, contract_id: str) -> tuple[str, datetime] | None:
    """Whose the contract is, and when it changed last; None for one that does not exist."""
    return _WHOSE.first(tx, "WHERE id = ?", (contract_id,))
