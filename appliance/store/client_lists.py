"""Lists of contracts for clients of the API: every query walks an index of what the client reaches, and stops
after a bounded number."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from appliance.acting_client import ClientReach
from appliance.model.contract import ContractState
from appliance.model.listing import ClientFilter, ListCursor
from appliance.store.database import Transaction
from hsm.rows import Query

LOOKED_AT: Final = 2000
"""Contracts that one page looks at, at most; the next page goes on from there."""

NOT_OVER: Final = frozenset({ContractState.DRAFT, ContractState.SENT, ContractState.SIGNED})
"""The states of the indexes ``contracts_not_over``."""

_LAST = ListCursor("9999", 2**62)


def candidates(
    tx: Transaction, reach: ClientReach, wanted: ClientFilter, after: ListCursor | None
) -> Iterator[tuple[ListCursor, str | None]]:
    """Places of the list behind *after* that are of the organisations and types in *reach*, with the contract's id
    where it is wanted; at most :data:`LOOKED_AT`. Whether the client may read it, the access check says.

    The newest come first; with ``changed_since`` those that changed last. Each organisation's contracts, or those
    of one type of it, are a walk along an index of their own, so that it makes no difference how many others have.
    """
    kinds = [kind for kind in sorted(reach.kinds) or [wanted.kind] if wanted.kind in ("", kind)]
    pairs = itertools.product(sorted(reach.organisations), kinds)
    walks = [_walk(tx, wanted, after or _LAST, organisation, kind) for organisation, kind in pairs]
    newest_first = heapq.merge(*walks, key=lambda row: (row[1], row[0]), reverse=True)
    for number, at, contract in itertools.islice(newest_first, LOOKED_AT):
        yield ListCursor(at, number), contract


def _walk(
    tx: Transaction, wanted: ClientFilter, start: ListCursor, organisation: str, kind: str
) -> Iterator[tuple[int, str, str | None]]:
    """Number, instant and id (None where the contract is not wanted) of one organisation's contracts, of one type
    or of all."""
    at, index, behind = "''", "contracts_of", " AND number < ?6 ORDER BY number DESC"
    if wanted.changed_since is not None:
        at, index = "touched", "contracts_changed"
        behind = " AND touched >= ?4 AND (touched, number) < (?5, ?6) ORDER BY touched DESC, number DESC"
    elif wanted.state in NOT_OVER:
        index, behind = "contracts_not_over", f" AND state IN ('draft', 'sent', 'signed'){behind}"
    index, of_kind = (f"{index}_kind", " AND kind = ?2") if kind else (f"{index}_organisation", "")
    rows: Iterator[tuple[int, str, str | None]] = tx.execute(
        f"SELECT number, {at}, CASE WHEN ?1 = '' OR state = ?1 THEN id END"  # noqa: S608 -- all literals
        f" FROM contracts INDEXED BY {index} WHERE organisation = ?3{of_kind}{behind}",
        (wanted.state or "", kind, organisation, wanted.changed_since or "", start.at, start.number),
    )
    return rows


def _whose(initiator: str, touched: datetime) -> tuple[str, datetime]:
    return initiator, touched


_WHOSE = Query(_whose, "SELECT initiator, touched FROM contracts")


def initiator_and_change(tx: Transaction, contract_id: str) -> tuple[str, datetime] | None:
    """Whose the contract is, and when it changed last; None for one that does not exist."""
    return _WHOSE.first(tx, "WHERE id = ?", (contract_id,))
